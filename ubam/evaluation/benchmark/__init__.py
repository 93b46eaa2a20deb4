"""Benchmarks: postures, deviations, statistics and speed against known truth, beside controls."""
