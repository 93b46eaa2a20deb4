"""The errors that a user can mend: each says what is wrong, where, and what to do."""


class UbamError(Exception):
    """Anything that the user can put right; the command line ends with exit code 2."""


class StudyError(UbamError):
    """The study table, its rows or its groups."""


class VideoError(UbamError):
    """A video file that is missing, damaged or not a video."""


class ModelError(UbamError):
    """A model folder that is missing, damaged or made for something else."""


class DamagedFile(UbamError, ValueError):  # noqa: N818 - the file is the matter, not the program
    """A file that is not what was written; its words name it."""


class RunError(UbamError):
    """A run folder that belongs to another study or lacks an earlier stage."""
