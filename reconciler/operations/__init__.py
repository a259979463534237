"""A use case a function; the shells above only parse, ask and print."""
