"""How far from the clouds' limits we are: `python -m tests.bench`."""
