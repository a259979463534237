"""Reading git: what a revision has, and that nothing of a repository ever runs."""
