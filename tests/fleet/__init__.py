"""The fleet: real workers, a real PostgreSQL, and a simulator that is a process of its own."""
