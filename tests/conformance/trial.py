"""The draw of a trial against a draw written anew in Python from the words of its record: who is patrolled can be checked by anybody."""

import csv
import datetime
import io
import json
import math
import os
import random
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from harness import ROOT, agree

LOW, ALL = (1 << 32) - 1, (1 << 64) - 1
QUARTERS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


def turned(word, by):
    """A word of 32 bits, turned to the left."""
    return ((word << by) | (word >> (32 - by))) & LOW if by else word


def key(seed):
    """Eight words of PCG32."""
    for _ in range(8):
        seed = (seed * 6364136223846793005 + 11634580027462260723) & ALL
        yield turned((((seed >> 18) ^ seed) >> 27) & LOW, (32 - (seed >> 59)) % 32)


def block(words, counter, stream):
    """One block of ChaCha with 8 rounds (D. J. Bernstein, 2008)."""
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *words, counter & LOW, counter >> 32, stream & LOW, stream >> 32]
    state = start[:]
    for _ in range(4):
        for a, b, c, d in QUARTERS:
            for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[x] = (state[x] + state[y]) & LOW
                state[z] = turned(state[z] ^ state[x], by)
    return [(one + other) & LOW for one, other in zip(state, start)]


def numbers(seed):
    """64-bit numbers of stream 1."""
    words, counter = list(key(seed)), 0
    while True:
        found = block(words, counter, 1)
        yield from (found[i] | found[i + 1] << 32 for i in range(0, 16, 2))
        counter += 1


def shuffle(source, items):
    """Fisher and Yates, from the last place down."""
    for i in range(len(items) - 1, 0, -1):
        top = ALL - ALL % (i + 1)
        j = next(x for x in source if x < top) % (i + 1)
        items[i], items[j] = items[j], items[i]


def treated(many, share):
    """How many of so many are treated."""
    return min(max(math.floor(share * many + 0.5), 1), many - 1)


def drawn(record, spots):
    """The rows of the assignment: day, hot spot, block, arm."""
    design, source = record["design"], numbers(record["seed"])
    n, share = len(spots), design["share_treated"]
    if design["kind"] == "crossover":
        order, rows, since = list(range(n)), [], [None] * n
        day, last = (datetime.date.fromisoformat(design[k]) for k in ("from", "to"))
        while day <= last:
            shuffle(source, order)
            today = set(order[: treated(n, share)])
            for i, spot in enumerate(spots):
                since[i] = 0 if i in today else None if since[i] is None else since[i] + 1
                washout = since[i] is not None and 0 < since[i] <= design["washout_days"]
                arm = "treatment" if i in today else "washout" if washout else "control"
                rows.append((str(day), spot["hot_spot"], "1", arm))
            day += datetime.timedelta(1)
        return rows
    order = sorted(range(n), key=lambda i: -int(spots[i]["events"]))
    parts = [2] * (n // 2) if design["kind"] == "matched_pairs" else []
    left = n
    while design["kind"] == "blocks" and left:
        parts.append(-(-left // (design["blocks"] - len(parts))))
        left -= parts[-1]
    found = {}
    for number, size in enumerate(parts, 1):
        mine, order = order[:size], order[size:]
        shuffle(source, mine)
        many = treated(size, share)
        found.update({spot: (str(number), "treatment" if place < many else "control") for place, spot in enumerate(mine)})
    return [("", spot["hot_spot"], *found.get(i, ("0", "left_out"))) for i, spot in enumerate(spots)]


def draws(svp, count):
    """Many seeds, numbers of hot spots and shares, all three designs."""
    draw, expected, found = random.Random(4), [], []
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("SVP_")}
    with tempfile.TemporaryDirectory(prefix="svp-trial-") as folder:
        site, work = Path(folder) / "site", Path(folder) / "work"
        shutil.copytree(ROOT / "pipelines", site / "pipelines")
        work.mkdir()
        plan = (ROOT / "pipelines" / "trials" / "wessmark.toml").read_text(encoding="utf-8")
        for case in range(max(6, min(count // 500, 60))):
            kind = ["crossover", "matched_pairs", "blocks"][case % 3]
            share = 0.5 if kind == "matched_pairs" else draw.choice([0.25, 0.4, 0.5, 0.65])
            text = plan.replace('kind = "crossover"', f'kind = "{kind}"').replace("share_treated = 0.4", f"share_treated = {share}")
            text = text.replace("seed = 20250501", f"seed = {draw.randrange(1 << 62)}\nblocks = {draw.randint(1, 5)}")
            if kind == "crossover":
                text = text.replace("washout_days = 0", f"washout_days = {draw.randint(0, 3)}")
            (site / "pipelines" / "trials" / "wessmark.toml").write_text(text, encoding="utf-8")
            lines = ["hot_spot,cell,easting,northing,size_m,events,harm"]
            for i in range(draw.randint(10, 45)):
                lines.append(f"S{i},s,{310050 + 600 * i},60000,150,{draw.randint(1, 30)},0")
            (work / "hot_spots.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            command = [str(svp.binary), "--quiet", "--site", str(site), "trial", "assign", "--trial", "wessmark", "--folder", str(work), "--force"]
            subprocess.run(command, check=True, capture_output=True, env=surroundings)
            record = json.loads((work / "assignment.json").read_text(encoding="utf-8"))
            expected += drawn(record, list(csv.DictReader(io.StringIO("\n".join(lines)))))
            table = csv.reader((work / "assignment.csv").read_text(encoding="utf-8").splitlines()[1:])
            found += [tuple(row) for row in table]
    return f"{agree(expected, expected, found)} rows of assignments, drawn again"


def checks(suite, svp, count):
    """All of them."""
    suite.check("trial, the draw from its record", draws, svp, count)
