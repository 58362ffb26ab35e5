"""Peer: the whole job the Python way, extracts to a ranked grid, every step vectorised.

DuckDB reads the CSV and writes Parquet; pyproj converts every located row to the British National Grid (EPSG:4326 to
27700; without the OSTN15 grid file, which the wheel does not bring, that is the 7-parameter Helmert shift of a few
metres); h3 gives the cells and numpy the squares of 250 m of the violent rows; esda gives Getis-Ord Gi* over the
occupied squares (star, binary weights of the eight neighbours; esda's default of 999 permutations, or none for the
analytic z alone); the two tables are written as CSV. No report, no map, no disclosure, no receipt.

Usage: peer_python.py FOLDER-OF-CSV-GZ OUTPUT-FOLDER [THREADS [PERMUTATIONS]]
Prints one JSON object: seconds of every step, rows, cells.
"""

import json
import sys
import time
from pathlib import Path

CLOCK = [("start", time.perf_counter())]


def lap(name):
    """Notes the end of a step."""
    CLOCK.append((name, time.perf_counter()))


import duckdb
import h3.api.numpy_int as h3
import numpy as np
import pandas as pd
from esda.getisord import G_Local
from libpysal.weights import W
from pyproj import Transformer

import peer_duckdb

lap("imports")

SIZE = 250
RESOLUTION = 9
VIOLENCE = "Violence and sexual offences"


def neighbours(columns, rows):
    """Binary weights of the eight neighbours among occupied squares, by one sorted lookup for each direction."""
    keys = columns.astype(np.int64) * 1_000_000 + rows
    order = np.argsort(keys)
    ordered = keys[order]
    found = {}
    pairs = []
    for across in (-1, 0, 1):
        for up in (-1, 0, 1):
            if across == 0 and up == 0:
                continue
            wanted = keys + across * 1_000_000 + up
            at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
            hit = ordered[at] == wanted
            pairs.append(np.column_stack((np.flatnonzero(hit), order[at[hit]])))
    pairs = np.concatenate(pairs)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    starts = np.searchsorted(pairs[:, 0], np.arange(len(keys) + 1))
    others = pairs[:, 1].tolist()
    for index in range(len(keys)):
        found[index] = others[starts[index] : starts[index + 1]]
    return W(found, silence_warnings=True)


def main():
    """The command."""
    output = Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    permutations = int(sys.argv[4]) if len(sys.argv) > 4 else 999
    rows = peer_duckdb.ingest(sys.argv[1], output / "events", threads)
    lap("csv to parquet")

    query = f"""SELECT "Longitude" AS x, "Latitude" AS y, "Crime type" = '{VIOLENCE}' AS violent
                FROM '{output}/events/*.parquet' WHERE "Longitude" IS NOT NULL"""
    located = duckdb.connect(config={"threads": threads}).execute(query).fetchnumpy()
    longitude, latitude, violent = (np.asarray(located[name]) for name in ("x", "y", "violent"))
    lap("parquet to numpy")

    transformer = Transformer.from_crs(4326, 27700, always_xy=True)
    easting, northing = transformer.transform(longitude, latitude)
    lap("pyproj")

    points = zip(latitude[violent].tolist(), longitude[violent].tolist())
    cells = np.fromiter((h3.latlng_to_cell(y, x, RESOLUTION) for y, x in points), np.uint64, int(violent.sum()))
    hexagons, hexagon_counts = np.unique(cells, return_counts=True)
    lap("h3")

    square = np.column_stack((easting[violent], northing[violent])) // SIZE
    squares, counts = np.unique(square.astype(np.int64), axis=0, return_counts=True)
    lap("grid")

    weights = neighbours(squares[:, 0], squares[:, 1])
    hot = G_Local(counts.astype(float), weights, transform="B", star=True, permutations=permutations, seed=1)
    lap("gi*")

    grid = pd.DataFrame({"easting": squares[:, 0] * SIZE, "northing": squares[:, 1] * SIZE, "events": counts, "z": hot.Zs})
    grid.sort_values("events", ascending=False).to_csv(output / "grid.csv", index=False)
    hexes = pd.DataFrame({"cell": [f"{cell:x}" for cell in hexagons], "events": hexagon_counts})
    hexes.sort_values("events", ascending=False).to_csv(output / "h3.csv", index=False)
    lap("write")

    steps = {name: at - CLOCK[index][1] for index, (name, at) in enumerate(CLOCK[1:])}
    print(json.dumps({"rows": rows, "violent": int(violent.sum()), "squares": len(grid), "hexagons": len(hexes), "steps": steps}))


if __name__ == "__main__":
    main()
