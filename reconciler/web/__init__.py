"""The read-only page: what the watching knows, for people and as JSON."""
