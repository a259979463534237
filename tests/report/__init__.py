"""Tests of what is told: the formats of one document."""
