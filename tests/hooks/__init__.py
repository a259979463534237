"""Tests of the hooks room: the file of commands, and real processes."""
