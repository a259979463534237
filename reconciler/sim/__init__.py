"""An embedded cloud that answers like the real ones; imports nothing of the reconciler."""
