"""The parts of a trunk that torso.toml lists, one function for each kind."""

from dataclasses import dataclass
from typing import Any, Dict, List

import numpy as np

from ...segmentation.regions import depth
from .drawing import Drawing, drawn, numbers
from .shapes import curve, grown

Part = Dict[str, Any]


@dataclass
class Trunk:
    """A trunk that parts are drawn into.

    Attributes:
        middle: (row, column) of the body; this and all lengths in fractions of the side of the picture.
        width, height: half axes of the body.
        back: how far below the middle the spine lies.
        masks: (S, S) bool of what later parts refer to, by name.
    """

    drawing: Drawing
    rng: np.random.Generator
    middle: np.ndarray
    width: float
    height: float
    back: float
    masks: Dict[str, np.ndarray]

    def draw(self, value, size=None):
        """A number of torso.toml; see :func:`.drawing.drawn`."""
        return drawn(self.rng, value, size)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.rng.random() < probability

    def place(self, part: Part, side: int) -> np.ndarray:
        """Where a part lies, (row, column); `side` is -1 on the left of the picture."""
        side = -side if part.get("opposite") else side
        down = self.height * self.draw(part["down_heights"]) if "down_heights" in part else self.draw(part["down"])
        down = self.back + down if part.get("from_back") else down
        if "right_widths" in part:
            return moved(self.middle, down, side * self.width * self.draw(part["right_widths"]))
        return moved(self.middle, down, side * self.draw(part["right"]))


def draw_parts(parts: List[Part], trunk: Trunk, side: int = 1) -> None:
    """Draw parts in their order, each with its probability and as often as it says."""
    for part in parts:
        if "probability" in part and not trunk.happens(part["probability"]):
            continue
        for _ in range(int(trunk.rng.integers(*part["repeat"])) if "repeat" in part else 1):
            KINDS[part["kind"]](part, trunk, side)


def moved(place: np.ndarray, down: float, right: float) -> np.ndarray:
    """A place (row, column) beside another."""
    return place + np.array([down, right])


def _both_sides(part: Part, trunk: Trunk, side: int) -> None:
    for one in (-1, 1):
        draw_parts(part["parts"], trunk, one)


def _one_side(part: Part, trunk: Trunk, side: int) -> None:
    draw_parts(part["parts"], trunk, trunk.rng.choice([-1, 1]))


def _region(part: Part, trunk: Trunk, side: int) -> None:
    """A star-shaped organ, solid or hollow."""
    name, part = part["name"], {**part, **numbers()["regions"][part["name"]]}
    place = trunk.place(part, side)
    radius, aspect = trunk.draw(part["radius"]), trunk.draw(part["aspect"])
    mask = trunk.drawing.blob(place, radius, aspect, part["rough"])
    if "inside" in part:
        mask &= trunk.masks[part["inside"]]
    if part.get("hollow"):
        trunk.drawing.hollow(mask)
    else:
        tissues = part["tissue"]
        tissue = tissues[0] if len(tissues) == 1 else str(trunk.rng.choice(tissues))
        trunk.drawing.solid(mask, tissue, part.get("fat_probability"))
    if part.get("vessels"):
        _vessels_in(mask, trunk)
    trunk.masks[name] = mask


def _bowels(part: Part, trunk: Trunk, side: int) -> None:
    """Loops of bowel: packed small ones that belong together, or single wide ones with haustra."""
    of, drawing, rng, cavity = numbers()["bowels"], trunk.drawing, trunk.rng, trunk.masks["cavity"]
    reach = trunk.width * part["reach_widths"]
    for _ in range(int(rng.integers(*part["count"]))):
        place = trunk.middle + rng.uniform(-reach, reach, 2) * (of["reach_down"], 1)
        if trunk.happens(of["small"]):
            together = np.zeros_like(cavity)
            for _ in range(int(rng.integers(*of["loops"]))):
                start = place + trunk.draw(of["loop_spread"], 2)
                points = curve(rng, start, trunk.draw(of["loop_length"]), of["loop_bend"])
                loop = drawing.stroke(points, np.full(24, trunk.draw(of["loop_radius"]))) & cavity
                if loop.any():
                    together |= drawing.hollow(loop)
            if trunk.happens(of["loops_are_one_too"]):
                drawing.structures.append(together)
        else:
            radius = trunk.draw(of["colon_radius"])
            radii = radius * (1 + of["haustra_depth"] * np.sin(np.arange(24) * trunk.draw(of["haustra"])))
            points = curve(rng, place, trunk.draw(of["colon_length"]), of["colon_bend"])
            colon = drawing.stroke(points, radii) & cavity
            if colon.any():
                drawing.hollow(colon)


def _vessels_in(organ: np.ndarray, trunk: Trunk) -> None:
    """Vessels in an organ, which belong to it."""
    of, rng = numbers()["organ_vessels"], trunk.rng
    rows, columns = np.nonzero(organ)
    for _ in range(int(rng.integers(*of["count"])) if len(rows) else 0):
        k = rng.integers(len(rows))
        start = np.array([rows[k], columns[k]]) / trunk.drawing.size
        points = curve(rng, start, trunk.draw(of["length"]), of["bend"], 8)
        trunk.drawing.paint(trunk.drawing.stroke(points, np.full(8, trunk.draw(of["radius"]))) & organ, "blood")


def _lung(part: Part, trunk: Trunk, side: int) -> None:
    of = numbers()["lung"]
    place = trunk.place(part, side)
    radius, aspect = trunk.height * trunk.draw(of["radius_heights"]), trunk.draw(of["aspect"])
    lung = trunk.drawing.blob(place, radius, aspect, of["rough"], turn=np.pi / 2) & trunk.masks["cavity"]
    trunk.drawing.paint(lung, "lung", texture=trunk.draw(of["texture"]))
    _vessels_in(trunk.drawing.add(lung), trunk)


def _kidney(part: Part, trunk: Trunk, side: int) -> None:
    """Cortex and medulla, without the fat at the hilum."""
    of, drawing = numbers()["kidney"], trunk.drawing
    place = trunk.place(part, side)
    radius, turn = trunk.draw(of["radius"]), trunk.draw(of["turn"])
    kidney = drawing.blob(place, radius, trunk.draw(of["aspect"]), of["rough"], turn)
    if trunk.happens(of["hilum"]):
        offset = np.array([trunk.draw(of["hilum_down"]), np.sign(0.5 - place[1])])
        hilum = place + radius * of["hilum_offset"] * offset
        hilum_radius = radius * trunk.draw(of["hilum_radius"])
        kidney &= ~drawing.blob(hilum, hilum_radius, of["hilum_aspect"], of["hilum_rough"])
    drawing.solid(kidney, gap=of["fat_probability"])
    if trunk.happens(of["medulla"]):
        medulla = depth(kidney) > radius * drawing.size * trunk.draw(of["medulla_depth"])
        drawing.paint(medulla, "organ", vary=1.5, texture=of["medulla_texture"])


def _strand(part: Part, trunk: Trunk, side: int) -> None:
    """Pancreas or duodenum."""
    of = numbers()["strand"]
    place = trunk.middle + trunk.draw(of["offset"], 2)
    points = curve(trunk.rng, place, trunk.draw(of["length"]), of["bend"])
    organ = trunk.drawing.stroke(points, trunk.draw(of["radius"], 24)) & trunk.masks["cavity"]
    if trunk.happens(of["solid"]):
        trunk.drawing.solid(organ)
    else:
        trunk.drawing.hollow(organ)


def _spine(part: Part, trunk: Trunk, side: int) -> None:
    """A vertebra: body, canal, arch and processes, all bone one structure."""
    of, drawing, rng = numbers()["spine"], trunk.drawing, trunk.rng
    place = trunk.place(part, side)
    radius = trunk.draw(of["radius"])
    bone = drawing.blob(place, radius, trunk.draw(of["aspect"]), of["rough"], turn=0.0)
    canal_place = moved(place, radius * trunk.draw(of["canal_down"]), 0)
    canal_radius = radius * trunk.draw(of["canal_radius"])
    canal = drawing.blob(canal_place, canal_radius, of["canal_aspect"], of["canal_rough"])
    if trunk.happens(of["arch"]):
        bone |= drawing.blob(canal_place, radius * trunk.draw(of["arch_radius"]), of["arch_aspect"], of["arch_rough"])
        for _ in range(int(rng.integers(*of["processes"]))):
            direction = rng.choice(of["process_directions"]) + trunk.draw(of["process_turn"])
            length = radius * trunk.draw(of["process_length"])
            end = canal_place + length * np.array([np.cos(direction), np.sin(direction)])
            radii = np.full(12, radius * trunk.draw(of["process_radius"]))
            bone |= drawing.stroke(np.linspace(canal_place, end, 12), radii)
    bone &= ~canal
    drawing.cover(canal)
    drawing.paint(canal, "fluid")
    drawing.bone(bone)


def _sacrum(part: Part, trunk: Trunk, side: int) -> None:
    """A wide bone with openings."""
    of, drawing = numbers()["sacrum"], trunk.drawing
    place = trunk.place(part, side)
    radius, aspect = trunk.draw(of["radius"]), trunk.draw(of["aspect"])
    bone = drawing.blob(place, radius, aspect, of["rough"], turn=trunk.draw(of["turn"]))
    for one in (-1, 1):
        if trunk.happens(of["opening"]):
            opening = moved(place, trunk.draw(of["opening_down"]), one * trunk.draw(of["opening_right"]))
            opening_radius = trunk.draw(of["opening_radius"])
            bone &= ~drawing.blob(opening, opening_radius, of["opening_aspect"], of["opening_rough"])
    drawing.bone(bone)


def _ribs(part: Part, trunk: Trunk, side: int) -> None:
    """Cuts through ribs along the wall."""
    of, rng = numbers()["ribs"], trunk.rng
    for angle in trunk.draw(of["angle"], int(rng.integers(*of["count"]))):
        offset = np.array([trunk.height * np.sin(angle), trunk.width * np.cos(angle)])
        place = trunk.middle + offset * trunk.draw(of["distance"])
        points = curve(rng, place, trunk.draw(of["length"]), of["bend"], 12)
        trunk.drawing.bone(trunk.drawing.stroke(points, np.full(12, trunk.draw(of["radius"]))))


def _hip(part: Part, trunk: Trunk, side: int) -> None:
    """A hip bone and often, a thin joint away, head and neck of the femur."""
    of, drawing = numbers()["hip"], trunk.drawing
    across = side * trunk.width * trunk.draw(of["right_widths"])
    start = moved(trunk.middle, trunk.height * trunk.draw(of["down_heights"]), across)
    points = curve(trunk.rng, start, trunk.draw(of["length"]), of["bend"])
    radii = np.interp(np.arange(24), (0, 8, 16, 24), trunk.draw(of["radius"], 4))
    drawing.bone(drawing.stroke(points, radii))
    if not trunk.happens(of["femur"]):
        return
    head = moved(start, trunk.height * trunk.draw(of["head_down_heights"]), side * trunk.draw(of["head_right"]))
    radius = trunk.draw(of["head_radius"])
    femur = drawing.blob(head, radius, of["head_aspect"], of["head_rough"])
    if trunk.happens(of["neck"]):
        end = moved(head, trunk.draw(of["neck_down"]), side * trunk.draw(of["neck_right"]))
        radii = np.linspace(radius * of["neck_radius"], trunk.draw(of["shaft_radius"]), 12)
        femur |= drawing.stroke(np.linspace(head, end, 12), radii)
    joint = grown(femur, drawing.thickness(of["joint"])) & ~femur
    drawing.paint(joint, "muscle")
    drawing.cover(joint)
    drawing.bone(femur)


KINDS = {
    "both sides": _both_sides,
    "one side": _one_side,
    "region": _region,
    "bowels": _bowels,
    "lung": _lung,
    "kidney": _kidney,
    "strand": _strand,
    "spine": _spine,
    "sacrum": _sacrum,
    "ribs": _ribs,
    "hip": _hip,
}
