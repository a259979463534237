"""The command line: one verb, one file; each parses, asks and prints, and nothing more."""
