"""Sequences of volumes, as a cine or a 4D CT: every frame registered to one of them, and what moves with it."""

from .curves import PointCurve, VolumeCurve, ejection_fraction, volume_of
from .frames import Frames, open_frames
from .motion import FrameMotion, MotionOptions
from .order import order_of, require_frame

__all__ = [
    "FrameMotion",
    "Frames",
    "MotionOptions",
    "PointCurve",
    "VolumeCurve",
    "ejection_fraction",
    "open_frames",
    "order_of",
    "require_frame",
    "volume_of",
]
