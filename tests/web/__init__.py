"""The read-only page: who may read it, what it shows, and what hostile names become in it."""
