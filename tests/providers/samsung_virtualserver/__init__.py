"""Tests of what is said to Samsung Cloud Platform and what its answers mean."""
