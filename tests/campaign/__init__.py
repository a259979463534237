"""Random stories through the whole house in virtual time, and bugs planted in it on purpose."""
