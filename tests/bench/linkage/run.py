"""Linkage: svp on encodings beside Splink on clear text, alternating; accuracy and time.

Usage: run.py SVP [--data DIR] [--rounds 5] [--max-pairs 1e6]

SVP is the optimised binary. Its clock runs from encoded records in the lake to people (`svp link --timings`), Splink's from
records in memory to clusters; reading files and starting up are counted on no side. Splink draws 1e6 pairs for u, a tenth of
its demo's, which gives the same F1 in half the time. Both use all processors.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FEBRL = ["rec_id", "given_name", "surname", "postcode", "date_of_birth"]


def call(*words, **more):
    done = subprocess.run([str(w) for w in words], check=False, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{words[0]} failed:\n{done.stderr}")
    return done.stdout


def prepare(svp, data, at):
    """A site with the bench's sources beside the shipped definitions, and a lake of encodings for each set."""
    shutil.copytree(ROOT / "pipelines", at / "site/pipelines")
    for part in ("areas", "sources"):
        for file in (HERE / part).iterdir():
            shutil.copy(file, at / "site/pipelines" / part)
    folder = at / "in"
    folder.mkdir()
    call(sys.executable, HERE / "prepare.py", "--data", data, "--out", at)
    shutil.copy(next((Path(data) / "historical_figures").glob("*even*.parquet")), folder / "historical_figures.parquet")
    with open(at / "truth.csv", "w", encoding="utf-8", newline="") as out:
        truth = csv.writer(out)
        truth.writerow(["source", "person_id", "person"])
        with open(at / "historical.csv", encoding="utf-8", newline="") as rows:
            truth.writerows(["historical_figures", row["unique_id"], row["cluster"]] for row in csv.DictReader(rows))
        for part in "ab":
            with open(at / f"febrl_{part}.csv", encoding="utf-8", newline="") as rows, open(folder / f"febrl_{part}.csv", "w", encoding="utf-8", newline="") as ours:
                writer = csv.DictWriter(ours, FEBRL, extrasaction="ignore")
                writer.writeheader()
                for row in csv.DictReader(rows):
                    writer.writerow(row)
                    truth.writerow([f"febrl_{part}", row["rec_id"], row["cluster"]])
    call(svp, "key", "new", "--out", at / "key", "--purpose", "bench")
    for area in ("historical", "febrl"):
        call(svp, "--site", at / "site", "run", "--ingest-only", "--area", area, "--extracts", folder, "--lake", at / area, "--key", at / "key")


def ours(svp, at, area, evaluate):
    words = [svp, "--site", at / "site", "--quiet", "link", "--lake", at / area, "--key", at / "key", "--timings"]
    if evaluate:
        words += ["--evaluate", at / "truth.csv"]
    text = call(*words)
    seconds = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("whole"))
    return seconds, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("svp", type=Path)
    parser.add_argument("--data", default=os.environ.get("SVP_DATA"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-pairs", default="1e6")
    args = parser.parse_args()
    if not args.data:
        sys.exit("give --data or set SVP_DATA: the folder that holds linkage/")
    data = Path(args.data) / "linkage"
    svp = args.svp.resolve()
    with tempfile.TemporaryDirectory(prefix="svp-linkage-") as folder:
        at = Path(folder)
        prepare(svp, data, at)
        for area in ("historical", "febrl"):
            mine, theirs = [], []
            for _ in range(args.rounds):
                mine.append(ours(svp, at, area, False)[0])
                call(sys.executable, HERE / "peer_splink.py", "--data", data, "--set", area, "--max-pairs", args.max_pairs, "--out", at / "splink.json")
                peer = json.loads((at / "splink.json").read_text(encoding="utf-8"))[area]
                theirs.append(peer["seconds"]["records_to_clusters"] if "records_to_clusters" in peer["seconds"] else sum(v for k, v in peer["seconds"].items() if k != "cpu"))
            a, b = statistics.median(mine), statistics.median(theirs)
            print(f"\n{area}: svp {a:.2f} s, Splink {b:.2f} s, medians of {args.rounds}, alternating: ratio {b / a:.1f}")
            print(ours(svp, at, area, True)[1])
            print("Splink:", json.dumps(peer.get("clusters_at_0.95") or peer.get("one_to_one") or {}), json.dumps(peer.get("pairs", {}).get("best", {})))


if __name__ == "__main__":
    main()
