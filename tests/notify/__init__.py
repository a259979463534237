"""What people are told, and where it may go."""
