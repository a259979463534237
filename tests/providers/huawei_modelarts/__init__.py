"""Tests of what is said to ModelArts Lite Server and what its answers mean."""
