"""Many scopes on many machines: an existing engine hands scopes to workers (extra `fleet`)."""
