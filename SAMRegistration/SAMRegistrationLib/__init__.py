"""Headless library of SAMRegistration: deformable registration guided by Segment Anything masks.

Data flows one way through its rooms: geometry -> volumes -> segmentation -> network -> losses -> registration ->
metrics -> training. Public functions take and return SimpleITK images, or points in millimeters in the LPS frame.
"""

import os

# Read by OpenMP when torch is loaded: its threads sleep while they wait for one another. Waiting busily, they keep each
# other off the processor as soon as anything else runs on the computer.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
