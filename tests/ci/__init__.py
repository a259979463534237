"""The templates of CI systems, run for real: everything but the services that host them."""
