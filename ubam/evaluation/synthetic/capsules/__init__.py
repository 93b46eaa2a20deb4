"""A second renderer, by sphere tracing: capsule people and rats with known truth, which judge what the first taught."""
