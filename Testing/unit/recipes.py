"""Configurations that several tests run."""

TINY_TRAINING = """
output = "out"
steps = {steps}
save_every = 1000
warmup = 1
[network]
preset = "fast"
channels = [4, 8]
heads = [1, 2]
depths = [2, 2]
[synthetic]
shapes = [[16, 16, 16]]
"""
