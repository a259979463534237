"""The executor alone, against small fakes, and whole against a simulator that misbehaves."""
