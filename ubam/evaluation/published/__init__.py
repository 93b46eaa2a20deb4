"""The published method, repaired, to be compared with."""
