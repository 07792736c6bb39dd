"""The recipe that made the embedded model: photographs, crops, training, evaluation."""
