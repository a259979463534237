"""What a service counts."""
