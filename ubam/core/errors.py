"""The errors that a user can mend: each says what is wrong, where, and what to do."""


class UbamError(Exception):
    """Anything that the user can put right; the command line ends with exit code 2."""


class StudyError(UbamError):
    """The study table, its rows or its groups."""


class VideoError(UbamError):
    """A video file that is missing, damaged or not a video."""


class ModelError(UbamError):
    """A model folder that is missing, damaged or made for something else."""


class RunError(UbamError):
    """A run folder that belongs to another study or lacks an earlier stage."""
