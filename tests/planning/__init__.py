"""Tests of the pure room: from entries and a live listing to a schedule."""
