"""Rendered walkers and rats with known truth, and whole studies of them."""
