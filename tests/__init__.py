"""Tests of the whole house; warnings are errors, only loopback, no test sleeps for long."""
