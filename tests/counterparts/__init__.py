"""Real software of others, which our conversations are pointed at."""
