"""What the tests of the running house stand on: virtual time, a transport, a stage."""
