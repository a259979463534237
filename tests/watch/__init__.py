"""The service that watches, in virtual time: what it sees, what it does, what it leaves alone."""
