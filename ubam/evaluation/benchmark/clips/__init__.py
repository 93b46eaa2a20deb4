"""Benchmarks of magnified clips against the true deviation."""
