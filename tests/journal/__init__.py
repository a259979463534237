"""The journal: durable, ordered, by identity, and refused when it can't be trusted."""
