"""The stages of a run in order: from a checked plan to a finished run folder."""
