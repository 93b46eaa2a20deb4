"""Finished runs as the pages read them."""
