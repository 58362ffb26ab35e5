"""Benchmarks: svp beside DuckDB and beside the Python way, memory at many times the data, release beside dev build.

Usage: run.py [--rounds 5] [--scales 1,5,20,50] [--only speed,memory,builds]

SVP_DATA names the folder of the real data; without it only the builds are compared. SVP_BIN names the binary
(target/release/svp without it). Prints tables, and writes target/bench.json and target/bench.md.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import report
from measure import Failed, alternate, machine, run, spread

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target"
WORK = TARGET / "bench-work"
AREA = "devon-and-cornwall"
STREET = Path("police_street") / AREA
PACKAGES = ["duckdb", "esda", "h3", "pyproj", "numpy"]
CLOCK = "2025-04-07T06:00:00Z"
ROWS = 345_738


class Bench:
    """The binary, the data, a key and a folder for lakes."""

    def __init__(self, binary, data, threads):
        self.binary, self.data, self.threads = binary, data, threads
        self.key = WORK / "bench.key"
        run([binary, "key", "new", "--out", self.key, "--purpose", "bench"])

    def fresh(self, name):
        """A folder that does not exist."""
        path = WORK / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def svp(self, lake, *words, area=AREA, site=ROOT, binary=None):
        """One `svp run` into a lake."""
        command = [binary or self.binary, "--site", site, "--threads", self.threads, "run", "--area", area]
        return run([*command, "--lake", lake, "--key", self.key, "--clock", CLOCK, *words])

    def real(self, lake, *words):
        """One `svp run` on the real months."""
        return self.svp(lake, "--reference", self.data, "--input", f"police_street={self.data / STREET}", *words)

    def peer(self, script, *words):
        """One run of a peer in a process of its own."""
        return run([sys.executable, HERE / script, *words])


def expect(sample, rows, where):
    """Both sides must have read every row, or the comparison says nothing."""
    found = sample.json()["rows"] if sample.stdout.strip().startswith("{") else sample.stderr
    if found != rows and f"{rows} rows read" not in str(found):
        raise Failed(f"{where} did not read {rows} rows: {found}")
    return sample


def speed(bench, rounds):
    """Ingest, whole run and run again on the real months, all sides alternating."""
    csv = bench.data / STREET
    threads = bench.threads
    whole = WORK / "whole"

    def again(_turn):
        return bench.real(whole)

    def first(_turn):
        return expect(bench.real(bench.fresh("whole")), ROWS, "svp run")

    samples = alternate(rounds, {
        "svp ingest": lambda _: expect(bench.real(bench.fresh("ingest"), "--ingest-only"), ROWS, "svp ingest"),
        "duckdb": lambda _: expect(bench.peer("peer_duckdb.py", csv, bench.fresh("duckdb"), threads), ROWS, "duckdb"),
        "svp run": first,
        "python": lambda _: expect(bench.peer("peer_python.py", csv, bench.fresh("python"), threads), ROWS, "python"),
        "python, no permutations": lambda _: bench.peer("peer_python.py", csv, bench.fresh("python"), threads, 0),
        "svp again": again,
    })
    for sample in samples["svp again"]:
        if "nothing new" not in sample.stderr:
            raise Failed(f"the second run was not recognised: {sample.stderr}")
    seconds = {name: spread([s.seconds for s in side]) for name, side in samples.items()}
    seconds["duckdb, without start"] = spread([s.json()["seconds"] for s in samples["duckdb"]])
    for name in ("python", "python, no permutations"):
        steps = [s.json()["steps"] for s in samples[name]]
        seconds[f"{name}, without imports"] = spread([sum(s.values()) - s["imports"] for s in steps])
        seconds[f"{name}, steps"] = {step: spread([s[step] for s in steps])["median"] for step in steps[0]}
    return {
        "rows": ROWS,
        "files": len(list(csv.glob("*.csv.gz"))),
        "gzip_bytes": sum(f.stat().st_size for f in csv.glob("*.csv.gz")),
        "seconds": seconds,
        "peak_mb": {name: spread([s.megabytes for s in side])["max"] for name, side in samples.items()},
        "cpu_seconds": {name: spread([s.cpu for s in side])["median"] for name, side in samples.items()},
    }


def wide_site():
    """The site with a period that holds every copy, so that a whole run analyses all of them."""
    site = WORK / "site"
    shutil.copytree(ROOT / "pipelines", site / "pipelines", dirs_exist_ok=True)
    path = site / "pipelines" / "areas" / f"{AREA}.toml"
    text = path.read_text(encoding="utf-8")
    wide = text.replace('from = "2018-01"', 'from = "1970-01"').replace('to = "2020-06"', 'to = "2199-12"')
    if wide == text:
        raise Failed("the period of the area file has another form than expected")
    path.write_text(wide, encoding="utf-8")
    return site


def memory(bench, scales):
    """Seconds and peak memory at several times the data, ingest alone and whole run, DuckDB beside it."""
    site, months, rows_of_scale, lines = wide_site(), WORK / "months", 0, []
    written = {"files": 0, "rows": 0, "csv_bytes": 0, "gzip_bytes": 0}
    done = 0
    for scale in sorted(scales):
        made = run([sys.executable, HERE / "copies.py", bench.data / STREET, months, done, scale, bench.threads]).json()
        written = {name: written[name] + made[name] for name in written}
        done, rows_of_scale = scale, written["rows"]
        words = ["--reference", bench.data, "--input", f"police_street={months}"]
        line = {"scale": scale, **written}
        lake = bench.fresh("scaled")
        for name, side in {
            "ingest": lambda: expect(bench.svp(lake, "--ingest-only", *words, site=site), rows_of_scale, "svp ingest"),
            "run": lambda: expect(bench.svp(bench.fresh("scaled"), *words, site=site), rows_of_scale, "svp run"),
            "again": lambda: bench.svp(lake, *words, site=site),
            "duckdb": lambda: bench.peer("peer_duckdb.py", months, bench.fresh("scaled"), bench.threads),
        }.items():
            sample = side()
            line[name] = {"seconds": round(sample.seconds, 3), "cpu": round(sample.cpu, 3), "peak_mb": round(sample.megabytes, 1)}
            print(f"  {scale}x: {name}: {sample.seconds:.2f} s, {sample.megabytes:.0f} MB", file=sys.stderr)
        bench.fresh("scaled")
        lines.append(line)
    shutil.rmtree(months, ignore_errors=True)
    return lines


def builds(bench, rounds):
    """The invented county with the release build and the dev build."""
    found = {name: TARGET / name / "svp" for name in ("release", "debug") if (TARGET / name / "svp").exists()}
    sides = {}
    for name, binary in found.items():
        sides[name] = lambda _, b=binary, n=name: bench.svp(bench.fresh(f"sample-{n}"), area="wessmark", binary=b)
    samples = alternate(min(rounds, 3), sides)
    return {
        "seconds": {name: spread([s.seconds for s in side]) for name, side in samples.items()},
        "peak_mb": {name: spread([s.megabytes for s in side])["max"] for name, side in samples.items()},
    }


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds of every comparison")
    parser.add_argument("--scales", default="1,5,20,50", help="times the data for the memory test")
    parser.add_argument("--only", default="speed,memory,builds", help="which parts")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 2), help="threads of both sides")
    args = parser.parse_args()
    parts = [part for part in ("speed", "memory", "builds") if part in args.only.split(",")]
    binary = Path(os.environ.get("SVP_BIN", TARGET / "release" / "svp")).resolve()
    if not binary.exists():
        sys.exit("bench: there is no release binary: run `make release`, or name one with SVP_BIN")
    data = Path(os.environ["SVP_DATA"]).resolve() if os.environ.get("SVP_DATA") else None
    if data is None or not (data / STREET).is_dir():
        print("SKIPPED: speed and memory, because SVP_DATA does not name the folder of the real data")
        parts = [part for part in parts if part == "builds"]
        data = None

    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    failed = []
    try:
        result = {"machine": machine(binary, PACKAGES) | {"threads": args.threads, "rounds": args.rounds}}
        bench = Bench(binary, data, args.threads)
        work = {
            "speed": lambda: speed(bench, args.rounds),
            "memory": lambda: memory(bench, [int(scale) for scale in args.scales.split(",")]),
            "builds": lambda: builds(bench, args.rounds),
        }
        for part in parts:
            try:
                result[part] = work[part]()
            except Failed as failure:
                failed.append(f"FAILED: {part}: {failure}")
                print(failed[-1], file=sys.stderr)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    text = report.markdown(result)
    (TARGET / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (TARGET / "bench.md").write_text(text, encoding="utf-8")
    print(text)
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
