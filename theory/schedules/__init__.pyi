from .schedule import NoiseSchedule as NoiseSchedule
