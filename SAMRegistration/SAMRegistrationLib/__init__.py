"""Headless library of SAMRegistration: deformable registration guided by Segment Anything masks.

Data flows one way through its rooms: geometry -> volumes -> segmentation -> network -> losses -> registration ->
metrics -> training. Public functions take and return SimpleITK images, or points in millimeters in the LPS frame.
"""

__version__ = "0.1.0"
