"""Drives the module's panel as a user does: for the self-test, the tests of the panel, pictures and benchmarks."""
