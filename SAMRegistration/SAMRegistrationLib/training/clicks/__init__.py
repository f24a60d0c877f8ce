"""Training the built-in click model with simulated clicks."""
