"""What a run writes as JSON and CSV and reads again: a frozen dataclass for each record, the same for both ways."""
