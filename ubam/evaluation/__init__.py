"""How well it works: rendered subjects with known truth, the published method, and benchmarks."""
