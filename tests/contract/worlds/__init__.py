"""One file a provider: its worlds, and where its calls can be made to go wrong."""
