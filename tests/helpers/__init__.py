"""What test modules share that is no fixture; found through the `pythonpath` of pytest."""
