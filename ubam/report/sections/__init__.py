"""The sections of the report, each from the records of a run to what its template shows."""
