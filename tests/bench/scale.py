"""Scale: generated events to hot spots by shift, from a million to a hundred million; time and peak memory.

Usage: scale.py [--millions 1 10 100] [--grids bng:150 h3:9] [--keep FOLDER]

The events are invented: four in five lie around 3,000 places whose weight falls by rank, the others anywhere in a rectangle of 130
by 80 km (460,000 squares of 150 m); times are exact, a third of them windows of up to twelve hours. They are written as Parquet files with columns of the table
`event`, and `svp analyse hotspots --events` makes cells, aoristic weights, shifts and Gi* of them: the same SQL as over a lake.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

ROOT = Path(__file__).resolve().parent.parent.parent
CHUNK = 5_000_000
EAST, NORTH = (180_000.0, 310_000.0), (40_000.0, 120_000.0)  # as much ground as Devon and Cornwall
START, YEARS = 1_640_995_200, 3  # 2022-01-01 UTC


def chunk(rng, rows, places, weights):
    """A table of `rows` events."""
    near = rng.random(rows) < 0.8
    at = places[rng.choice(len(places), rows, p=weights)] + rng.normal(0, 120, (rows, 2))
    anywhere = rng.random((rows, 2)) * [EAST[1] - EAST[0], NORTH[1] - NORTH[0]] + [EAST[0], NORTH[0]]
    point = numpy.where(near[:, None], at, anywhere).round(1)
    point[:, 0] = point[:, 0].clip(*EAST)
    point[:, 1] = point[:, 1].clip(*NORTH)
    start = (START + rng.integers(0, YEARS * 365 * 86_400, rows)) * 1_000_000
    window = rng.random(rows) < 1 / 3
    end = numpy.where(window, start + rng.integers(60, 12 * 3600, rows) * 1_000_000, start)
    stamp = pyarrow.timestamp("us", tz="UTC")
    month = (start // 1_000_000).astype("datetime64[s]").astype("datetime64[M]").astype(str)
    text = lambda value: pyarrow.array([value], pyarrow.string()).take(pyarrow.array(numpy.zeros(rows, numpy.int32)))
    return pyarrow.table(
        {
            "agency": text("police"),
            "source": text("generated"),
            "offence_group": text("violence_with_injury"),
            "place_precision": text("exact"),
            "in_area": pyarrow.array(numpy.ones(rows, bool)),
            "easting": point[:, 0],
            "northing": point[:, 1],
            "month": pyarrow.array(month, pyarrow.string()),
            "occurred_from": pyarrow.array(start, stamp),
            "occurred_to": pyarrow.array(end, stamp, mask=~window),
            "time_precision": pyarrow.array(numpy.where(window, "window", "exact"), pyarrow.string()),
        }
    )


def generate(folder, millions):
    """Writes files of five million events at most."""
    rng = numpy.random.default_rng(millions)
    places = numpy.random.default_rng(7).random((3_000, 2)) * [EAST[1] - EAST[0], NORTH[1] - NORTH[0]] + [EAST[0], NORTH[0]]
    weights = 1 / numpy.arange(1, len(places) + 1)
    left, number, kept = millions * 1_000_000, 0, 0
    while left:
        rows = min(left, CHUNK)
        table = chunk(rng, rows, places, weights / weights.sum())
        pyarrow.parquet.write_table(table, folder / f"part-{number:03}.parquet")
        kept += rows - near_exclusion(table)
        left, number = left - rows, number + 1
    # Beside the folder, which holds Parquet files and nothing else.
    folder.with_suffix(".txt").write_text(str(kept), encoding="utf-8")


def near_exclusion(table):
    """How many events lie where the area's exclusion list says that systems put what they cannot place."""
    with open(ROOT / "sample-data/reference/premises_to_exclude.csv", encoding="utf-8") as file:
        places = [(float(r["easting"]), float(r["northing"]), float(r["radius_m"])) for r in csv.DictReader(file)]
    x, y = (table[name].to_numpy() for name in ("easting", "northing"))
    near = numpy.zeros(len(x), bool)
    for east, north, radius in places:
        near |= (x - east) ** 2 + (y - north) ** 2 <= radius**2
    return int(near.sum())


def run(svp, folder, grid, out):
    """Seconds, peak MiB, rows of the answer and the sum of the events of the shift `all`."""
    command = ["/usr/bin/time", "-v", str(svp), "--quiet", "--site", str(ROOT), "analyse", "hotspots", "--area", "wessmark"]
    command += ["--events", str(folder), "--definition", "injury_violence", "--from", "2022-01", "--to", "2024-12"]
    command += ["--set", f"grid={grid}", "--set", "layer=", "--format", "csv", "--out", str(out)]
    before = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - before
    if done.returncode:
        sys.exit(f"scale: svp ended with {done.returncode}: {done.stderr[-1500:]}")
    peak = int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)[1]) / 1024
    rows, events, judged = 0, 0.0, 0
    with open(out, encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            rows += 1
            words = line.split(",")
            judged += words[4] != ""
            if words[0] == "all":
                events += float(words[3])
    if judged != rows:
        sys.exit(f"scale: {rows - judged} cells have no Gi*")
    return seconds, peak, rows, events


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--grids", nargs="+", default=["bng:150", "h3:9"])
    parser.add_argument("--keep", help="folder for the generated files, which are kept and used again")
    args = parser.parse_args()
    svp = Path(os.environ.get("SVP_BIN", ROOT / "target/release/svp"))
    home = Path(args.keep or tempfile.mkdtemp(prefix="svp-scale-"))
    try:
        for millions in args.millions:
            folder = home / f"{millions}m"
            if not folder.exists():
                folder.mkdir(parents=True)
                generate(folder, millions)
            for grid in args.grids:
                seconds, peak, rows, events = run(svp, folder, grid, home / "out.csv")
                kept = int(folder.with_suffix(".txt").read_text(encoding="utf-8"))
                if round(events) != kept:
                    sys.exit(f"scale: {events:.0f} events came out of {kept} that are on no exclusion list")
                print(
                    f"{millions:4} million  {grid:8}  {seconds:7.1f} s  {seconds / millions:6.2f} s a million  peak {peak:6.0f} MiB  "
                    f"{rows} cells and shifts",
                    flush=True,
                )
    finally:
        if not args.keep:
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
