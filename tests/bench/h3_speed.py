"""H3 index: points per second of `h3_cell` in a query of svp, of polars-h3, and of h3-py; alternating, medians, ratios.

Usage: h3_speed.py [--points 5000000] [--rounds 5]

svp is timed as a whole command that makes the points, indexes and counts them, less one that only makes them; the peers are timed for the
call alone, with the points ready in memory. All use the threads that there are.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import h3.api.numpy_int as h3py
import numpy
import polars
import polars_h3

ROOT = Path(__file__).resolve().parent.parent.parent
# Points of a rectangle in the south-west, by two irrational steps; made in two halves, since a series is made by one thread.
HALF = "SELECT -5.7 + 2.8 * ((value * 0.6180339887498949) % 1) AS lon, 49.9 + 1.3 * ((value * 0.7548776662466927) % 1) AS lat FROM generate_series({}, {})"
MAKE = "SELECT sum(lon) + sum(lat) FROM ({})"
INDEX = "SELECT count(h3_cell(lon, lat, 9)) FROM ({})"


def svp(binary, lake, query, points):
    """Seconds of one command."""
    before = time.perf_counter()
    command = [str(binary), "--quiet", "--site", str(ROOT), "sql", "--lake", str(lake), "--format", "csv", query.format(f"{HALF.format(1, points // 2)} UNION ALL {HALF.format(points // 2 + 1, points)}")]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - before


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    binary = Path(os.environ.get("SVP_BIN", ROOT / "target/release/svp"))
    i = numpy.arange(1, args.points + 1)
    lon, lat = -5.7 + 2.8 * ((i * 0.6180339887498949) % 1), 49.9 + 1.3 * ((i * 0.7548776662466927) % 1)
    frame = polars.DataFrame({"lat": lat, "lon": lon})
    few = min(args.points, 500_000)
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        subprocess.run([str(binary), "--quiet", "key", "new", "--out", str(key), "--purpose", "bench"], check=True, capture_output=True)
        subprocess.run([str(binary), "--quiet", "--site", str(ROOT), "run", "--area", "wessmark", "--lake", f"{folder}/lake", "--key", str(key),
                        "--ingest-only"], check=True, capture_output=True)
        times = {"svp": [], "polars-h3": [], "h3-py": []}
        for _ in range(args.rounds):
            whole = svp(binary, f"{folder}/lake", INDEX, args.points)
            times["svp"].append((whole - svp(binary, f"{folder}/lake", MAKE, args.points)) / args.points)
            before = time.perf_counter()
            frame.with_columns(cell=polars_h3.latlng_to_cell("lat", "lon", 9))
            times["polars-h3"].append((time.perf_counter() - before) / args.points)
            before = time.perf_counter()
            for a, b in zip(lat[:few].tolist(), lon[:few].tolist()):
                h3py.latlng_to_cell(a, b, 9)
            times["h3-py"].append((time.perf_counter() - before) / few)
    speed = {name: 1 / statistics.median(seconds) for name, seconds in times.items()}
    for name, rate in speed.items():
        print(f"{name:10} {rate / 1e6:6.2f} million points a second   svp is {speed['svp'] / rate:5.2f} times as fast")


if __name__ == "__main__":
    main()
