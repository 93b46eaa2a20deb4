"""What every request and answer has in common: headers, limits, schemas, ranges."""
