"""Point lists as programs and people write them; all of the same points."""

POINTS = [(10.0, -20.5, 30.25), (-4.0, 5.0, 60.0), (7.5, 8.0, -9.0)]  # LPS mm
NAMES = ["apex", "base", "left, upper"]
COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"


def fcsv(system, version="4.11", sign=(1, 1, 1)):
    """A list of 3D Slicer; `system` None leaves the line with the coordinate system out."""
    lines = [f"# Markups fiducial file version = {version}"]
    lines += [] if system is None else [f"# CoordinateSystem = {system}"]
    lines.append(f"# columns = {COLUMNS}")
    for number, (point, name) in enumerate(zip(POINTS, NAMES), start=1):
        x, y, z = (value * factor for value, factor in zip(point, sign))
        lines.append(f'{number},{x},{y},{z},0,0,0,1,1,1,0,"{name}",,')
    return "\n".join(lines) + "\n"


RAS = (-1, -1, 1)
READABLE = {
    "slicer5.fcsv": fcsv("LPS", "5.0"),
    "slicer5-ras.fcsv": fcsv("RAS", "5.0", RAS),
    "slicer4-ras.fcsv": fcsv("0", "4.10", RAS),
    "slicer4-lps.fcsv": fcsv("1", "4.10"),
    "without-frame.fcsv": fcsv(None, "4.2", RAS),
    "header.csv": "x,y,z,label\n" + "".join(f'{x},{y},{z},"{n}"\n' for (x, y, z), n in zip(POINTS, NAMES)),
    "order.csv": "label,z,y,x\n" + "".join(f'"{n}",{z},{y},{x}\n' for (x, y, z), n in zip(POINTS, NAMES)),
    "bare.csv": "".join(f'{x},{y},{z},"{n}"\n' for (x, y, z), n in zip(POINTS, NAMES)),
    "semicolon.csv": "x;y;z;label\n" + "".join(f"{x};{y};{z};{n}\n" for (x, y, z), n in zip(POINTS, NAMES)),
    "decimal-comma.csv": "x;y;z;label\n"
    + "".join(";".join([*(str(v).replace(".", ",") for v in p), n]) + "\n" for p, n in zip(POINTS, NAMES)),
    "tab.csv": "x\ty\tz\tlabel\n" + "".join(f"{x}\t{y}\t{z}\t{n}\n" for (x, y, z), n in zip(POINTS, NAMES)),
    "windows.csv": "x,y,z,label\r\n" + "".join(f'{x},{y},{z},"{n}"\r\n' for (x, y, z), n in zip(POINTS, NAMES)),
}
IDS = "".join(f"{number},{x},{y},{z}\n" for number, (x, y, z) in enumerate(POINTS, start=1))
NUMBERED = "".join(f"{x},{y},{z},{number}\n" for number, (x, y, z) in enumerate(POINTS, start=1))
UNCLEAR = "1,2,3,4\n2,5,6,5\n"
