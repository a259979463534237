"""What a service counts, in the text format of Prometheus: for `/metrics` and as a file."""
