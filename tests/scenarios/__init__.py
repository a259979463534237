"""What is declared, what is live, and what the program then says and does: rows to be read."""
