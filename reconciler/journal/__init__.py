"""The write-ahead record: intents, handles, verdicts and applied entries, by cloud identity."""
