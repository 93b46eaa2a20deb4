"""A load test that starts a server of its own and measures its targets."""
