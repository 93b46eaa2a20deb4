"""The pages and their texts."""
