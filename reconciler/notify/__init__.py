"""Tells people by webhook: once when something appears, once when it is gone."""
