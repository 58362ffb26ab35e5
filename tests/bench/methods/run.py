"""The methods beside PySAL: Gi* of 100,000 cells (analytic, 999 permutations) and Knox's test, alternating, medians and ratios.

Usage: run.py [METHOD_BIN] [--rounds 5] [--threads 2] [--side 316] [--events 100000]

METHOD_BIN is the example `method` of svp-methods, built for release (target/release/examples/method without it); the peers are those of
`make conformance`. Every sample is a process of its own; seconds are those of the method alone: start, reading of data and making of
weights are counted on no side (the time of our neighbours is printed). esda runs without numba, with which its permutations of so
many cells were slower (30 s against 16 s; its workers compile anew). Both sides must give the same z (to 1e-9), nearly the same pseudo-p, and the same number of pairs. pointpats keeps a list of all pairs for each
permutation, so that it is measured with fewer events; Knox at 100,000 events is ours alone.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BREAKS = {"space": [0, 100, 200, 300, 400], "time": [0, 7, 14, 21]}


def town(draw, count):
    """Events of three years around 200 centres in 12 km, whole metres."""
    centres = [(draw.uniform(0, 12_000), draw.uniform(0, 12_000), draw.uniform(50, 900)) for _ in range(200)]
    out = []
    for _ in range(count):
        x, y, spread = centres[min(draw.randrange(200), draw.randrange(200))]
        out.append([round(draw.gauss(x, spread)), round(draw.gauss(y, spread)), draw.randrange(1096)])
    return out


def ours(binary, request):
    """Our answer and seconds."""
    done = subprocess.run([str(binary)], input=json.dumps(request) + "\n", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def peer(what, file, threads):
    """A peer's answer and seconds."""
    command = [sys.executable, str(HERE / "peer.py"), what, str(file), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def alternate(rounds, sides):
    """Samples of all sides in turn, after one round that is not counted; the last answer of each."""
    seconds, last = {name: [] for name in sides}, {}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            last[name] = side()
            print(f"  {turn or 'warm'}: {name}: {last[name]['seconds']:.4f} s", file=sys.stderr)
            if turn:
                seconds[name].append(last[name]["seconds"])
    return seconds, last


def tell(title, seconds, mine):
    """Medians, ranges and ratios."""
    print(f"\n{title}\n")
    base = median(seconds[mine])
    for name, samples in seconds.items():
        times = "" if name == mine else f", {median(samples) / base:.0f} times ours"
        print(f"  {name}: {median(samples):.4f} s ({min(samples):.4f} to {max(samples):.4f}){times}")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", default=ROOT / "target" / "release" / "examples" / "method")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=316)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--peer-events", type=int, default=5_000)
    args = parser.parse_args()
    draw = random.Random(20250407)
    with tempfile.TemporaryDirectory(prefix="svp-methods-") as folder:
        side = args.side
        board = {"side": side, "values": [float(draw.choice([0, 0, 0, 0, 1, 1, 2, 5, 9])) for _ in range(side * side)]}
        file = Path(folder) / "board.json"
        file.write_text(json.dumps(board), encoding="utf-8")
        request = {
            "method": "gi_star", "rings": 1, "cells": [[x, y] for y in range(side) for x in range(side)], "values": board["values"],
            "threads": args.threads, "seed": 1,
        }  # fmt: skip
        seconds, last = alternate(args.rounds, {
            "svp": lambda: ours(args.binary, request),
            "esda": lambda: peer("analytic", file, args.threads),
        })
        z = last["svp"]["answer"]["z"]
        worst = max(abs(one - other) for one, other in zip(z, last["esda"]["z"]))
        if worst > 1e-9:
            sys.exit(f"bench: z differ by {worst}")
        near = last["svp"]["answer"]["neighbours_seconds"]
        tell(f"Gi* of {side * side} cells, analytic (z differ by at most {worst:.1e}; our neighbours, not counted: {near:.4f} s)", seconds, "svp")

        permuted = request | {"permutations": 999}
        seconds, last = alternate(args.rounds, {
            "svp": lambda: ours(args.binary, permuted),
            "esda": lambda: peer("permutations", file, args.threads),
        })
        both = zip(last["svp"]["answer"]["p_sim"], last["esda"]["p_sim"])
        apart = sum(abs(one - other) for one, other in both) / side**2
        if apart > 0.03:
            sys.exit(f"bench: pseudo-p differ by {apart} in the mean")
        tell(f"Gi* of {side * side} cells, analytic and 999 permutations, {args.threads} threads (pseudo-p differ by {apart:.4f} in the mean)", seconds, "svp")

        pairs = {
            "method": "knox", "events": town(draw, args.peer_events), "space": [0, 400], "time": [0, 21], "metric": "euclidean",
            "closed": "right and lowest", "permutations": 99, "seed": 1, "threads": args.threads,
        }  # fmt: skip
        file.write_text(json.dumps(pairs), encoding="utf-8")
        seconds, last = alternate(args.rounds, {
            "svp": lambda: ours(args.binary, pairs),
            "pointpats": lambda: peer("knox", file, args.threads),
        })
        if last["svp"]["answer"]["observed"][0][0] != last["pointpats"]["pairs"]:
            sys.exit("bench: pairs differ")
        tell(f"Knox, {args.peer_events} events, 400 m and 21 days, 99 permutations ({last['pointpats']['pairs']} pairs on both sides)", seconds, "svp")

        large = {
            "method": "knox", "events": town(draw, args.events), "space": [*BREAKS["space"], None], "time": [*BREAKS["time"], None],
            "same_place": True, "permutations": 999, "seed": 1, "threads": args.threads,
        }  # fmt: skip
        seconds, last = alternate(min(args.rounds, 3), {"svp": lambda: ours(args.binary, large)})
        pairs = sum(map(sum, last["svp"]["answer"]["observed"][:-1]))
        tell(f"Knox, {args.events} events, 6 by 4 bands, 999 permutations, {args.threads} threads ({pairs} pairs within 400 m)", seconds, "svp")


if __name__ == "__main__":
    main()
