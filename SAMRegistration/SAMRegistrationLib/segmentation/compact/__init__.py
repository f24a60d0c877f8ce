"""The built-in click model: a small SAM for 256-pixel slices that runs on a CPU."""
