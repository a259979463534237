"""Editors: the real YAML language server on manifests."""
