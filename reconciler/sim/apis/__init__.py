"""One file an API; a module with an `API` is mounted."""
