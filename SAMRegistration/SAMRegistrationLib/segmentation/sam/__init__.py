"""Segment Anything's network in plain PyTorch, with the parameter names of the published checkpoints.

After Kirillov et al., "Segment Anything", ICCV 2023, and Li et al., "Exploring Plain Vision Transformer Backbones for
Object Detection", ECCV 2022. The package segment-anything is the reference in the tests, and is not needed to run.
"""
