"""Draw the extension's icon: a deformation grid carries an organ's outline, found from one click.

    python Resources/Icon/draw_icon.py

Writes SAMRegistration.png (128x128) at the top of the repository and the module's copy of it.
"""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

SIZE, OVERSAMPLING = 128, 6
ROOT = Path(__file__).resolve().parents[2]
TARGETS = (ROOT / "SAMRegistration.png", ROOT / "SAMRegistration" / "Resources" / "Icons" / "SAMRegistration.png")
NIGHT, DEEP = (0.16, 0.20, 0.36), (0.045, 0.055, 0.13)
GRID, ORGAN, GLOW, CLICK = (0.42, 0.80, 0.96), (0.98, 0.45, 0.36), (1.0, 0.80, 0.45), (0.36, 0.93, 0.55)


def draw() -> np.ndarray:
    """The icon as (SIZE, SIZE, 4) bytes, red, green, blue, opacity."""
    count = SIZE * OVERSAMPLING
    pixel = 2 / count
    y, x = np.meshgrid(*[(np.arange(count) + 0.5) * pixel - 1] * 2, indexing="ij")
    source_x, source_y = _deform(x, y)

    color = _blend(np.full((count, count, 3), DEEP), NIGHT, np.clip(0.95 - np.hypot(x + 0.25, y + 0.45) * 0.75, 0, 1))
    organ = _organ(source_x, source_y)
    color = _blend(color, ORGAN, np.where(organ < 0, 0.42 + 0.5 * np.clip(-organ * 1.6, 0, 0.6), 0))
    lines = np.maximum(_lines(source_x, pixel), _lines(source_y, pixel))
    color = _blend(color, GRID, lines * np.where(organ < 0, 0.55, 0.80))
    slope = np.hypot(*np.gradient(organ, pixel)) + 1e-9
    color = _blend(color, GLOW, 0.35 * np.clip(1 - np.abs(organ) / slope / 0.13, 0, 1))
    color = _blend(color, GLOW, _line(np.abs(organ) / slope, 0.036, pixel))

    reach = np.hypot(x + 0.11, y - 0.03)
    color = _blend(color, (1.0, 1.0, 1.0), _line(reach, 0.185, pixel))
    color = _blend(color, CLICK, _line(reach, 0.130, pixel))

    corner = np.hypot(np.maximum(np.abs(x) - 0.72, 0), np.maximum(np.abs(y) - 0.72, 0))
    image = np.dstack([color, _line(corner, 0.26, pixel)])
    image[..., :3] *= image[..., 3:]
    small = image.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return np.round(255 * np.clip(small, 0, 1)).astype(np.uint8)


def _deform(x: np.ndarray, y: np.ndarray):
    """Where each point of the picture comes from: a twist and a swelling that fade towards the border."""
    fade = np.exp(-(x**2 + y**2) / 0.42)
    angle = 0.85 * fade
    swelling = 1 - 0.38 * fade
    shift = 0.10 * np.sin(2.6 * y) * np.exp(-(x**2 + y**2) / 0.9)
    turned_x = (np.cos(angle) * x - np.sin(angle) * y) * swelling + shift
    return turned_x, (np.sin(angle) * x + np.cos(angle) * y) * swelling


def _organ(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Negative inside a bean-shaped organ."""
    bean = np.hypot((x + 0.02) / 0.46, y / 0.60) - 1
    notch = 0.26 - np.hypot(x - 0.50, y + 0.02)
    return np.logaddexp(9 * bean * 0.5, 9 * notch * 1.4) / 9


def _lines(coordinate: np.ndarray, pixel: float, step: float = 0.25) -> np.ndarray:
    slope = np.hypot(*np.gradient(coordinate, pixel))
    distance = np.abs((coordinate / step + 0.5) % 1 - 0.5) * step / slope
    return _line(distance, 0.017, pixel)


def _line(distance: np.ndarray, half_width: float, pixel: float) -> np.ndarray:
    return np.clip((half_width - distance) / pixel + 0.5, 0, 1)


def _blend(under: np.ndarray, color, opacity: np.ndarray) -> np.ndarray:
    return under * (1 - opacity[..., None]) + np.asarray(color) * opacity[..., None]


def main() -> None:
    """Write the icon to both places."""
    image = sitk.GetImageFromArray(draw(), isVector=True)
    for target in TARGETS:
        target.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(target), useCompression=True, compressionLevel=9)


if __name__ == "__main__":
    main()
