"""Tests of the HTTP edge and of each provider."""
