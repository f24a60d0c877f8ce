"""Synthetic slices through a trunk: packed muscles, bones with marrow, organs, bowel with contents, lungs.

Every tissue has the attenuation that it has in CT, or a random intensity as in some MR sequence; masks are exact, and
what belongs together is one structure whatever it looks like: cortex and marrow, wall and contents, organ and vessels.
"""

from typing import Dict, List, Optional, Tuple

import numpy as np

from .clicks import depth
from .sample import CT_WINDOWS, jittered_window
from .shapes import blob, curve, grown, shrunk, smooth_noise, stroke

HOUNSFIELD = {
    "air": (-1000, 10),
    "lung": (-820, 60),
    "fat": (-105, 12),
    "fluid": (12, 12),
    "muscle": (50, 12),
    "wall": (50, 20),
    "organ": (80, 30),
    "blood": (120, 70),
    "marrow": (170, 110),
    "cortex": (600, 250),
    "contrast": (280, 100),
    "stool": (-60, 120),
}


def torso_slice(size: int, rng: np.random.Generator) -> Tuple[np.ndarray, List[np.ndarray]]:
    """An image (S, S) in [0, 1] and masks (S, S) bool of everything in it that can be asked for."""
    drawing = Drawing(size, rng)
    level = rng.choice(3, p=(0.45, 0.4, 0.15))
    (_pelvis, _abdomen, _chest)[level](drawing, rng)
    return drawing.finished(), drawing.structures


class Drawing:
    """A picture in which later structures cover earlier ones.

    Args:
        size: S, pixels on a side.

    Attributes:
        structures: masks (S, S) bool, without what covers them.
        body: mask (S, S) bool of what is not air around the body.
    """

    def __init__(self, size: int, rng: np.random.Generator):
        self.size = size
        self.structures: List[np.ndarray] = []
        self.body = np.ones((size, size), bool)
        self._rng = rng
        self._ct = rng.random() < 0.65
        self._means: Dict[str, float] = {name: self._mean(name) for name in HOUNSFIELD}
        self._image = np.full((size, size), self._means["air"], np.float32)

    def paint(self, mask: np.ndarray, tissue: str, vary: float = 1.0, texture: float = 0.0) -> None:
        """Fill a mask with a tissue; `vary`: how far its mean may be off, `texture`: its mottling, both in spreads."""
        spread = HOUNSFIELD[tissue][1] if self._ct else 0.08
        value = self._means[tissue] + vary * self._rng.normal(0, 0.5) * spread
        self._image[mask] = value
        if texture:
            coarse = int(self._rng.integers(self.size // 8, self.size // 2))
            self._image[mask] += texture * spread * smooth_noise(self._rng, self.size, coarse)[mask]

    def add(self, mask: np.ndarray) -> np.ndarray:
        """Make a mask a structure of its own, in front of all others."""
        self.structures = [structure & ~mask for structure in self.structures] + [mask]
        return mask

    def solid(self, mask: np.ndarray, tissue: str = "organ", gap: float = 0.5) -> np.ndarray:
        """A structure of one tissue, with a thin layer of fat around it with probability `gap`."""
        if self._rng.random() < gap:
            around = grown(mask, self.thickness(0.004, 0.014)) & ~mask
            self.cover(around)
            self.paint(around, "fat")
        self.paint(mask, tissue, vary=1.5, texture=self._rng.exponential(0.1))
        return self.add(mask)

    def cover(self, mask: np.ndarray) -> None:
        """Take a mask away from all structures."""
        self.structures = [structure & ~mask for structure in self.structures]

    def bone(self, mask: np.ndarray) -> np.ndarray:
        """Cortex around marrow, one structure; outside the body there is none."""
        mask = mask & self.body
        self.paint(mask, "cortex", texture=self._rng.uniform(0, 0.4))
        self.paint(shrunk(mask, self.thickness(0.004, 0.014)), "marrow", texture=self._rng.uniform(0, 0.5))
        return self.add(mask)

    def hollow(self, mask: np.ndarray) -> np.ndarray:
        """A wall around gas, fluid, contrast medium, stool, or two of them with a horizontal level; one structure."""
        inside = shrunk(mask, self.thickness(0.003, 0.014))
        self.paint(mask, "wall")
        first, second = self._rng.choice(
            ["fluid", "air", "contrast", "stool", "wall"], 2, p=(0.3, 0.25, 0.15, 0.2, 0.1)
        )
        self.paint(inside, first, texture=2.0 if first == "stool" else 0.3)
        if self._rng.random() < 0.35 and inside.any():
            rows = np.flatnonzero(inside.any(1))
            below = inside.copy()
            below[: int(self._rng.integers(rows[0], rows[-1] + 1))] = False
            self.paint(below, second, texture=2.0 if second == "stool" else 0.3)
        return self.add(mask)

    def blob(self, centre, radius: float, aspect: float = 0.8, rough: float = 0.08, turn: Optional[float] = None):
        """See :func:`~.shapes.blob`; `centre` and `radius` in fractions of the side."""
        return blob(self.size, self._rng, np.array(centre) * self.size, radius * self.size, aspect, rough, turn)

    def stroke(self, points: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """See :func:`~.shapes.stroke`; everything in fractions of the side."""
        return stroke(self.size, points * self.size, radii * self.size)

    def thickness(self, low: float, high: float) -> int:
        """A random thickness of a layer in pixels, from fractions of the side."""
        return int(max(1, round(self.size * self._rng.uniform(low, high))))

    def finished(self) -> np.ndarray:
        """The picture in [0, 1], as a random CT window shows it."""
        if self._ct:
            noise = self._rng.standard_normal(self._image.shape, np.float32) * self._rng.exponential(12)
            low, high = CT_WINDOWS[self._rng.integers(len(CT_WINDOWS))]
            return jittered_window(self._image + noise, low, high, self._rng)
        return np.clip(self._image, 0, 1)

    def _mean(self, tissue):
        mean, spread = HOUNSFIELD[tissue]
        if self._ct:
            return mean + self._rng.normal(0, 0.7) * spread
        return self._rng.uniform(0, 0.08) if tissue in ("air", "lung", "cortex") else self._rng.uniform(0.1, 1)


def moved(place: np.ndarray, down: float, right: float) -> np.ndarray:
    """A place (row, column) beside another."""
    return place + np.array([down, right])


def _trunk(drawing, rng, fat, wall):
    """Skin, fat and the wall of muscles; returns the cavity inside and the middle."""
    middle = 0.5 + rng.normal(0, 0.02, 2)
    width, aspect = rng.uniform(0.4, 0.5), rng.uniform(0.6, 0.85)
    body = drawing.blob(middle, width, aspect, 0.02, turn=rng.normal(0, 0.05))
    drawing.paint(body, "fat", texture=0.5)
    drawing.body = depth(body) > 1.5
    inside = depth(body) / drawing.size
    muscles = inside > fat
    cavity = inside > fat + wall
    drawing.paint(muscles, "muscle")
    if rng.random() < 0.3:
        drawing.add(muscles)
    _muscles(drawing, rng, muscles & ~cavity, int(rng.integers(8, 26)))
    drawing.paint(cavity, "fat", texture=0.5)
    drawing.cover(cavity)
    return cavity, middle, width, width * aspect


def _muscles(drawing, rng, region, count):
    """Split a region into muscles that touch, or that thin planes of fat part here and there."""
    places = np.argwhere(region)
    if not len(places):
        return
    y, x = np.indices(region.shape, np.float32)
    nearest = second = np.full(region.shape, np.inf, np.float32)
    label = np.zeros(region.shape, int)
    for k, (row, column) in enumerate(rng.choice(places, count).tolist()):
        turn, stretch = rng.uniform(0, np.pi), np.exp(rng.normal(0, 0.5))
        (a, b), (c, d) = _metric(turn, stretch)
        distance = np.sqrt((a * (y - row) + b * (x - column)) ** 2 + (c * (y - row) + d * (x - column)) ** 2)
        second = np.minimum(second, np.maximum(nearest, distance))
        label[distance < nearest] = k
        nearest = np.minimum(nearest, distance)
    plane = rng.uniform(0, 0.02) * drawing.size * (1 + smooth_noise(rng, drawing.size, 6))
    apart = region & (second - nearest < plane)
    for k in range(count):
        muscle = region & (label == k)
        if muscle.any():
            drawing.paint(muscle, "muscle", vary=0.7, texture=rng.exponential(0.3))
            drawing.add(muscle & ~apart)
    drawing.paint(apart, "fat", vary=2.0)


def _metric(turn, stretch):
    """Rows of the matrix that turns and stretches; plain numbers, which keep arrays of 32 bits."""
    sine, cosine = float(np.sin(turn)), float(np.cos(turn))
    return (sine * stretch, cosine * stretch), (cosine / stretch, -sine / stretch)


def _pelvis(drawing, rng):
    """Hip bones, sacrum or femora among muscles, with a cavity of bladder and bowel."""
    cavity, middle, width, height = _trunk(drawing, rng, rng.uniform(0.01, 0.1), rng.uniform(0.1, 0.24))
    if rng.random() < 0.6:
        _bowels(drawing, rng, cavity, middle, width * 0.4, int(rng.integers(1, 4)))
    if rng.random() < 0.6:
        place = middle + rng.uniform(-0.06, 0.06, 2)
        organ = drawing.blob(place, rng.uniform(0.04, 0.12), rng.uniform(0.6, 1), 0.05)
        drawing.solid(organ, str(rng.choice(["fluid", "organ", "muscle"])))
    if rng.random() < 0.6:
        _sacrum(drawing, rng, moved(middle, height * rng.uniform(0.45, 0.7), rng.normal(0, 0.01)))
    for side in (-1, 1):
        across = side * width * rng.uniform(0.4, 0.65)
        start = moved(middle, height * rng.uniform(-0.3, 0.4), across)
        points = curve(rng, start, rng.uniform(0.1, 0.4), 0.08)
        radii = np.interp(np.arange(24), (0, 8, 16, 24), rng.uniform(0.01, 0.05, 4))
        drawing.bone(drawing.stroke(points, radii))
        if rng.random() < 0.5:  # head and neck of the femur, a thin joint away from the hip bone
            head = moved(start, height * rng.normal(0, 0.2), side * rng.uniform(0.03, 0.09))
            radius = rng.uniform(0.03, 0.07)
            femur = drawing.blob(head, radius, 0.95, 0.02)
            if rng.random() < 0.6:
                end = moved(head, rng.uniform(-0.03, 0.06), side * rng.uniform(0.05, 0.12))
                ends = np.linspace(head, end, 12)
                femur |= drawing.stroke(ends, np.linspace(radius * 0.7, rng.uniform(0.03, 0.06), 12))
            joint = grown(femur, drawing.thickness(0.004, 0.012)) & ~femur
            drawing.paint(joint, "muscle")
            drawing.cover(joint)
            drawing.bone(femur)
        for _ in range(int(rng.integers(0, 3))):
            spot = moved(middle, height * rng.uniform(-0.5, 0.2), side * width * rng.uniform(0.2, 0.5))
            drawing.solid(drawing.blob(spot, rng.uniform(0.01, 0.03), 0.9, 0.03), "blood")
    if rng.random() < 0.5:
        for side in (-1, 1):
            spot = moved(middle, height * rng.uniform(-0.1, 0.4), side * width * rng.uniform(0.2, 0.4))
            drawing.solid(drawing.blob(spot, rng.uniform(0.03, 0.08), rng.uniform(0.5, 1), 0.06), "muscle")


def _abdomen(drawing, rng):
    """Liver, spleen, kidneys, stomach, bowel, vessels, spine and ribs."""
    cavity, middle, width, height = _trunk(drawing, rng, rng.uniform(0.01, 0.08), rng.uniform(0.02, 0.06))
    back = height * rng.uniform(0.35, 0.55)
    _spine(drawing, rng, moved(middle, back, rng.normal(0, 0.01)))
    for side in (-1, 1):
        if rng.random() < 0.7:
            spot = moved(middle, back + rng.uniform(-0.02, 0.04), side * rng.uniform(0.06, 0.11))
            drawing.solid(drawing.blob(spot, rng.uniform(0.02, 0.06), rng.uniform(0.5, 1), 0.05), "muscle")
        if rng.random() < 0.6:
            _kidney(drawing, rng, moved(middle, back - rng.uniform(-0.03, 0.08), side * rng.uniform(0.13, 0.22)))
    _bowels(drawing, rng, cavity, middle, width * 0.8, int(rng.integers(1, 6)))
    if rng.random() < 0.7:
        side = rng.choice([-1, 1])
        place = moved(middle, height * rng.uniform(-0.4, 0.2), side * width * rng.uniform(0.3, 0.6))
        liver = drawing.blob(place, rng.uniform(0.1, 0.24), rng.uniform(0.5, 1), 0.15) & cavity
        _with_vessels(drawing, rng, drawing.solid(liver, "organ", gap=0.3))
        if rng.random() < 0.6:
            place = moved(middle, height * rng.uniform(-0.2, 0.5), -side * width * rng.uniform(0.5, 0.8))
            spleen = drawing.blob(place, rng.uniform(0.05, 0.12), rng.uniform(0.35, 0.8), 0.1) & cavity
            drawing.solid(spleen, "organ", gap=0.3)
    if rng.random() < 0.6:
        place = moved(middle, height * rng.uniform(-0.6, 0), width * rng.uniform(-0.4, 0.4))
        drawing.hollow(drawing.blob(place, rng.uniform(0.05, 0.14), rng.uniform(0.4, 1), 0.12) & cavity)
    if rng.random() < 0.6:  # pancreas or duodenum
        place = middle + rng.uniform(-0.1, 0.1, 2)
        organ = drawing.stroke(curve(rng, place, rng.uniform(0.08, 0.25), 0.12), rng.uniform(0.015, 0.035, 24)) & cavity
        drawing.solid(organ) if rng.random() < 0.6 else drawing.hollow(organ)
    for _ in range(int(rng.integers(1, 4))):
        spot = moved(middle, back - rng.uniform(0.05, 0.1), rng.uniform(-0.06, 0.06))
        drawing.solid(drawing.blob(spot, rng.uniform(0.012, 0.03), 0.9, 0.03), "blood")
    _ribs(drawing, rng, middle, width, height)


def _chest(drawing, rng):
    """Lungs, heart, great vessels, spine, ribs and shoulder blades."""
    cavity, middle, width, height = _trunk(drawing, rng, rng.uniform(0.01, 0.06), rng.uniform(0.02, 0.1))
    drawing.paint(cavity, "fat", vary=3.0)
    for side in (-1, 1):
        place = moved(middle, 0, side * width * rng.uniform(0.35, 0.5))
        lung = (
            drawing.blob(place, height * rng.uniform(0.55, 0.8), rng.uniform(0.6, 0.9), 0.06, turn=np.pi / 2) & cavity
        )
        drawing.paint(lung, "lung", texture=rng.uniform(0, 1))
        _with_vessels(drawing, rng, drawing.add(lung))
    heart = drawing.blob(moved(middle, -0.05, rng.uniform(-0.06, 0.1)), rng.uniform(0.08, 0.17), 0.8, 0.05)
    drawing.solid(heart, "muscle")
    for _ in range(int(rng.integers(0, 4))):
        spot = moved(middle, -0.05 + rng.normal(0, 0.05), rng.uniform(-0.1, 0.14))
        drawing.solid(drawing.blob(spot, rng.uniform(0.03, 0.06), 0.7, 0.06) & heart, "blood", gap=0)
    for _ in range(int(rng.integers(1, 4))):
        spot = moved(middle, height * rng.uniform(-0.2, 0.4), rng.uniform(-0.08, 0.08))
        drawing.solid(drawing.blob(spot, rng.uniform(0.012, 0.04), 0.9, 0.03), "blood")
    _spine(drawing, rng, moved(middle, height * rng.uniform(0.5, 0.65), rng.normal(0, 0.01)))
    _ribs(drawing, rng, middle, width, height)


def _bowels(drawing, rng, cavity, middle, reach, count):
    """Loops of bowel: packed small ones that belong together, or single wide ones with haustra."""
    for _ in range(count):
        place = middle + rng.uniform(-reach, reach, 2) * (0.6, 1)
        if rng.random() < 0.5:
            together = np.zeros_like(cavity)
            for _ in range(int(rng.integers(2, 7))):
                points = curve(rng, place + rng.normal(0, 0.04, 2), rng.uniform(0.05, 0.25), 0.25)
                loop = drawing.stroke(points, np.full(24, rng.uniform(0.015, 0.035))) & cavity
                if loop.any():
                    drawing.hollow(loop)
                    together |= loop
            if rng.random() < 0.6:
                drawing.structures.append(together)
        else:
            radii = rng.uniform(0.025, 0.07) * (1 + 0.25 * np.sin(np.arange(24) * rng.uniform(0.4, 1.2)))
            colon = drawing.stroke(curve(rng, place, rng.uniform(0, 0.35), 0.12), radii) & cavity
            if colon.any():
                drawing.hollow(colon)


def _with_vessels(drawing, rng, organ):
    """Vessels in an organ, which belong to it."""
    rows, columns = np.nonzero(organ)
    for _ in range(int(rng.integers(0, 12)) if len(rows) else 0):
        k = rng.integers(len(rows))
        start = np.array([rows[k], columns[k]]) / drawing.size
        points = curve(rng, start, rng.uniform(0.005, 0.08), 0.1, 8)
        drawing.paint(drawing.stroke(points, np.full(8, rng.uniform(0.004, 0.012))) & organ, "blood")


def _kidney(drawing, rng, place):
    """Cortex and medulla, without the fat at the hilum."""
    radius, turn = rng.uniform(0.04, 0.075), rng.uniform(0, np.pi)
    kidney = drawing.blob(place, radius, rng.uniform(0.5, 0.9), 0.05, turn)
    if rng.random() < 0.6:
        notch = place + radius * 0.7 * np.array([rng.uniform(-1, 1), np.sign(0.5 - place[1])])
        kidney &= ~drawing.blob(notch, radius * rng.uniform(0.2, 0.6), 0.7, 0.1)
    drawing.solid(kidney, gap=0.8)
    if rng.random() < 0.5:
        medulla = depth(kidney) > radius * drawing.size * rng.uniform(0.2, 0.5)
        drawing.paint(medulla, "organ", vary=1.5, texture=0.5)


def _spine(drawing, rng, place):
    """A vertebra: body, canal, arch and processes, all bone one structure."""
    radius = rng.uniform(0.035, 0.07)
    bone = drawing.blob(place, radius, rng.uniform(0.7, 0.95), 0.03, turn=0.0)
    canal_place = moved(place, radius * rng.uniform(1.1, 1.4), 0)
    canal = drawing.blob(canal_place, radius * rng.uniform(0.3, 0.45), 0.9, 0.03)
    if rng.random() < 0.75:
        bone |= drawing.blob(canal_place, radius * rng.uniform(0.55, 0.75), 0.9, 0.05)
        for _ in range(int(rng.integers(1, 4))):
            direction = rng.choice([-1.3, 0.0, 1.3]) + rng.normal(0, 0.2)
            end = canal_place + radius * rng.uniform(1, 2.4) * np.array([np.cos(direction), np.sin(direction)])
            bone |= drawing.stroke(np.linspace(canal_place, end, 12), np.full(12, radius * rng.uniform(0.15, 0.3)))
    bone &= ~canal
    drawing.cover(canal)
    drawing.paint(canal, "fluid")
    drawing.bone(bone)


def _sacrum(drawing, rng, place):
    """A wide bone with openings."""
    bone = drawing.blob(place, rng.uniform(0.07, 0.15), rng.uniform(0.25, 0.7), 0.1, turn=rng.normal(0, 0.1))
    for side in (-1, 1):
        if rng.random() < 0.6:
            hole = moved(place, rng.uniform(-0.01, 0.03), side * rng.uniform(0.02, 0.06))
            bone &= ~drawing.blob(hole, rng.uniform(0.008, 0.02), 0.8, 0.05)
    drawing.bone(bone)


def _ribs(drawing, rng, middle, width, height):
    """Cuts through ribs along the wall."""
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(0, 10))):
        place = middle + np.array([height * np.sin(angle), width * np.cos(angle)]) * rng.uniform(0.8, 0.92)
        points = curve(rng, place, rng.uniform(0.01, 0.1), 0.02, 12)
        drawing.bone(drawing.stroke(points, np.full(12, rng.uniform(0.009, 0.02))))
