"""From a run folder to one page and its figures."""
