"""What the service keeps: tables, files and half-received uploads."""
