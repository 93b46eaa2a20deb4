"""The JSON API, one blueprint a file."""
