"""Commands of this machine that speak to guests: what they are, and running them."""
