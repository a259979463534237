"""Reads the git repository that manifests lie in; writes nothing, fetches nothing, runs nothing."""
