"""Where the districts of the invented county lie: grid references to degrees, and which district holds a point.

Grid references are turned by the formulas of the Ordnance Survey's guide to coordinate systems (Airy ellipsoid, then a Helmert
transformation), which agree with OSTN15 to a few metres: rows nearer to a boundary than that are not used.
"""

import csv
import functools
import json
import math
from pathlib import Path

REFERENCE = Path(__file__).resolve().parent.parent.parent / "sample-data" / "reference"
NEAR_M = 60.0


@functools.cache
def degrees(easting, northing):
    """Longitude and latitude (WGS84) of a grid reference."""
    a, b, f0 = 6377563.396, 6356256.909, 0.9996012717
    phi0, lambda0, n0, e0 = math.radians(49), math.radians(-2), -100000.0, 400000.0
    e2, n = 1 - (b * b) / (a * a), (a - b) / (a + b)

    def arc(phi):
        d, s = phi - phi0, phi + phi0
        return b * f0 * (
            (1 + n + 5 / 4 * (n**2 + n**3)) * d
            - (3 * n + 3 * n**2 + 21 / 8 * n**3) * math.sin(d) * math.cos(s)
            + 15 / 8 * (n**2 + n**3) * math.sin(2 * d) * math.cos(2 * s)
            - 35 / 24 * n**3 * math.sin(3 * d) * math.cos(3 * s)
        )

    phi = phi0 + (northing - n0) / (a * f0)
    for _ in range(20):
        phi += (northing - n0 - arc(phi)) / (a * f0)
    sin, tan = math.sin(phi), math.tan(phi)
    nu = a * f0 / math.sqrt(1 - e2 * sin**2)
    rho = a * f0 * (1 - e2) / (1 - e2 * sin**2) ** 1.5
    eta2, sec, d = nu / rho - 1, 1 / math.cos(phi), easting - e0
    vii = tan / (2 * rho * nu)
    viii = tan / (24 * rho * nu**3) * (5 + 3 * tan**2 + eta2 - 9 * tan**2 * eta2)
    ix = tan / (720 * rho * nu**5) * (61 + 90 * tan**2 + 45 * tan**4)
    x = sec / nu
    xi = sec / (6 * nu**3) * (nu / rho + 2 * tan**2)
    xii = sec / (120 * nu**5) * (5 + 28 * tan**2 + 24 * tan**4)
    lat = phi - vii * d**2 + viii * d**4 - ix * d**6
    lon = lambda0 + x * d - xi * d**3 + xii * d**5
    return _helmert(lon, lat, a, e2)


def _helmert(lon, lat, a, e2):
    nu = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    x, y, z = nu * math.cos(lat) * math.cos(lon), nu * math.cos(lat) * math.sin(lon), nu * (1 - e2) * math.sin(lat)
    s, second = -20.4894e-6, math.pi / 648000
    rx, ry, rz = 0.1502 * second, 0.2470 * second, 0.8421 * second
    x, y, z = (
        446.448 + x * (1 + s) - rz * y + ry * z,
        -125.157 + rz * x + y * (1 + s) - rx * z,
        542.060 - ry * x + rx * y + z * (1 + s),
    )
    a, b = 6378137.0, 6356752.314245
    e2, p = 1 - (b * b) / (a * a), math.hypot(x, y)
    lat = math.atan2(z, p * (1 - e2))
    for _ in range(10):
        nu = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
        lat = math.atan2(z + e2 * nu * math.sin(lat), p)
    return math.degrees(math.atan2(y, x)), math.degrees(lat)


@functools.cache
def _rings():
    shapes = json.loads((REFERENCE / "district_boundaries.geojson").read_text(encoding="utf-8"))["features"]
    out = {}
    for shape in shapes:
        many = shape["geometry"]["coordinates"]
        many = [many] if shape["geometry"]["type"] == "Polygon" else many
        out[shape["properties"]["LAD24CD"]] = [ring for polygon in many for ring in polygon]
    return out


@functools.cache
def district_at(lon, lat):
    """Code of the district that holds a point, or None."""
    if lon is None or lat is None:
        return None
    for district, rings in _rings().items():
        inside = False
        for ring in rings:
            for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
                if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) * (x2 - x1) / (y2 - y1):
                    inside = not inside
        if inside:
            return district
    return None


@functools.cache
def near_boundary(lon, lat):
    """Whether a point lies so near to the edge of a district that the transformations may disagree."""
    if lon is None or lat is None:
        return False
    east, north = 111_320 * math.cos(math.radians(lat)), 111_320
    for rings in _rings().values():
        for ring in rings:
            for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
                ax, ay = (x1 - lon) * east, (y1 - lat) * north
                dx, dy = (x2 - x1) * east, (y2 - y1) * north
                length = dx * dx + dy * dy
                t = max(0.0, min(1.0, -(ax * dx + ay * dy) / length)) if length else 0.0
                if math.hypot(ax + t * dx, ay + t * dy) < NEAR_M:
                    return True
    return False


def _table(name, key, value):
    with open(REFERENCE / name, encoding="utf-8", newline="") as file:
        return {row[key]: row[value] for row in csv.DictReader(file)}


@functools.cache
def _lsoas():
    return _table("lookup_lsoa21_ward24_ltla24.csv", "lsoa21_code", "ltla24_code")


@functools.cache
def changes():
    """Small areas of 2011 whose whole ground is one of 2021 under another code, each with the new code."""
    with open(REFERENCE / "lookup_lsoa11_lsoa21_lad22.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    whole = [row for row in rows if row["CHGIND"] in ("U", "M") and row["LSOA11CD"] != row["LSOA21CD"]]
    return {row["LSOA11CD"]: row["LSOA21CD"] for row in whole}


def district_of_lsoa(lsoa):
    """District of a small area of either vintage, or None."""
    return _lsoas().get(changes().get(lsoa, lsoa))


@functools.cache
def lsoa_of_postcode():
    """Small area of each postcode of the directory."""
    return _table("postcodes.csv", "pcds", "lsoa21cd")
