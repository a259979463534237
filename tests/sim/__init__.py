"""The simulator, tested by clients that know nothing of the reconciler."""
