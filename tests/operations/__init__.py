"""Use cases by the whole road, in virtual time."""
