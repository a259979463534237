"""Real processes, killed with SIGKILL at chosen points; the rerun is held against the cloud."""
