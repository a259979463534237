"""Signatures of requests, made of nothing but values; checked against the vendors' vectors."""
