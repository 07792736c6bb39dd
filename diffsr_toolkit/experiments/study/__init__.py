"""The validation study: predicted against measured timestep, over denoisers, schedules, samplers and metrics."""
