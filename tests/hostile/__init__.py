"""Hostile input and lying answers, as one table of cases: `python -m tests.hostile`."""
