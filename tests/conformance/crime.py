"""The functions of crime analysis as SQL has them: Gi* against esda on squares, hexagons and H3 cells; aoristic hours of published
windows by Ratcliffe's method; near repeats of the published arsons."""

import csv
import datetime as dt
import os
import random
import warnings
from collections import defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import h3
import numpy

warnings.filterwarnings("ignore")

from esda.getisord import G_Local  # noqa: E402
from libpysal.weights import W  # noqa: E402
from statsmodels.stats.multitest import multipletests  # noqa: E402

from harness import Mismatch, Skip, agree  # noqa: E402

LONDON = ZoneInfo("Europe/London")
WEEK = 7 * 24 * 60


def grids(draw):
    """Names of cells, counts, and the names of neighbours, of three kinds of grid with holes."""
    side = 40
    squares = [(c, r) for c in range(side) for r in range(side) if draw.random() < 0.9]
    name = {(c, r): f"250m:{300_000 + 250 * c}:{60_000 + 250 * r}" for c, r in squares}
    king = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    yield "squares", {name[c, r]: [name[c + i, r + j] for i, j in king if (c + i, r + j) in name] for c, r in squares}
    axial = [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]
    name = {(q, r): f"250h:{900 + q}:{200 + r}" for q, r in squares}
    yield "hexagons", {name[q, r]: [name[q + i, r + j] for i, j in axial if (q + i, r + j) in name] for q, r in squares}
    cells = [cell for cell in sorted(h3.grid_disk(h3.latlng_to_cell(50.72, -3.53, 9), 20)) if draw.random() < 0.9]
    there = set(cells)
    yield "H3", {cell: [n for n in h3.grid_disk(cell, 1) if n != cell and n in there] for cell in cells}


def gi_star(svp, _count):
    """z, p and q of every cell to 1e-9."""
    draw, numbers = random.Random(3), 0
    for kind, near in grids(draw):
        cells = list(near)
        counts = [int(draw.random() ** 6 * 30) if draw.random() < 0.3 else 0 for _ in cells]
        weights = W(near, ids=cells, id_order=cells, silence_warnings=True)
        theirs = G_Local(numpy.array(counts, float), weights, transform="B", permutations=0, star=True)
        tail = numpy.where(theirs.Zs >= 0, theirs.p_norm, 1 - theirs.p_norm)
        q = multipletests(tail, method="fdr_bh")[1]
        values = ",".join(f"('{cell}',{count})" for cell, count in zip(cells, counts))
        rows = svp.sql(
            "SELECT c, g['z'] AS z, g['p'] AS p, g['p_high'] AS high, g['q_high'] AS q FROM "
            f"(SELECT c, gi_star(c, n) OVER () AS g FROM (VALUES {values}) AS v(c, n))"
        )
        ours = {row["c"]: [float(row[name]) for name in ("z", "p", "high", "q")] for row in rows}
        for i, cell in enumerate(cells):
            expected = [theirs.Zs[i], theirs.p_norm[i], tail[i], q[i]]
            if any(abs(a - b) > 1e-9 * max(1, abs(b)) for a, b in zip(ours[cell], expected)):
                raise Mismatch(f"{kind}: {cell}: {ours[cell]}, esda {expected}")
            numbers += 4
    return f"{numbers} numbers of three grids to 1e-9"


def ratcliffe(start, end):
    """Minutes of each hour of the week as the R package aoristic gives weights out, on a clock that never changes."""
    position = start.weekday() * 24 + start.hour
    if end is None or end < start:
        return {position: 1.0}
    span = int((end - start).total_seconds() // 60)
    if span <= 1:
        return {position: 1.0}
    if span >= WEEK:
        return dict.fromkeys(range(168), 1 / 168)
    shares, left, here = defaultdict(float), span, 60 - start.minute
    while left > 0:
        part = min(left, here)
        shares[position] += part / span
        left, here, position = left - part, 60, (position + 1) % 168
    return dict(shares)


def changes_clock(start, end):
    """Whether London's clock changes in a window."""
    offsets = {(start + dt.timedelta(hours=h)).replace(tzinfo=LONDON).utcoffset() for h in range(0, int((end - start).total_seconds() // 3600) + 2)}
    return len(offsets) > 1


def windows(svp, _count):
    """The hours of 1,233 burglaries, their local times read as London's; windows in which the clock changes are left out."""
    if "SVP_DATA" not in os.environ:
        raise Skip("SVP_DATA is not set")
    cases = []
    with open(Path(os.environ["SVP_DATA"]) / "crime_windows/aoristic/NYburg.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            def moment(date, time):
                if row[date] in ("", "NA") or row[time] in ("", "NA"):
                    return None
                day = dt.datetime.fromisoformat(row[date][:10])
                return day + dt.timedelta(minutes=round(float(row[time]) * 1440))
            start, end = moment("CMPLNT_FR_DT", "CMPLNT_FR_TM"), moment("CMPLNT_TO_DT", "CMPLNT_TO_TM")
            if start and not (end and end > start and changes_clock(start, end)):
                cases.append((start, end))
    rows = svp.over(
        ["f", "t"], [(f"{s:%Y-%m-%dT%H:%M}", f"{e:%Y-%m-%dT%H:%M}" if e else "") for s, e in cases],
        "h['hour_of_week'] AS hour, h['weight'] AS weight",
        "(SELECT i, unnest(aoristic_hours(uk_timestamp(f, 'yyyy-mm-ddThh:mi'), uk_timestamp(nullif(t, ''), 'yyyy-mm-ddThh:mi'))) AS h FROM {}) AS spread",
    )
    found = [{} for _ in cases]
    for row in rows:
        found[int(row["i"])][int(row["hour"])] = int(row["weight"])
    same = lambda ours, given: sum(given.values()) == 1_000_000 and all(
        abs(given.get(hour, 0) / 1e6 - ours.get(hour, 0)) <= 1.0000001e-6 for hour in ours.keys() | given.keys())
    told = agree(cases, [ratcliffe(*case) for case in cases], found, same)
    table = [sum(f.get(hour, 0) for f in found) for hour in range(168)]
    if sum(table) != 1_000_000 * len(cases):
        raise Mismatch("the table of hours does not sum to the events")
    return f"{told} windows, hour by hour; the table sums to the events"


def near_repeats(svp, _count):
    """Pairs of the published arsons by band, as pure Python counts them."""
    if "SVP_DATA" not in os.environ:
        raise Skip("SVP_DATA is not set")
    with open(Path(os.environ["SVP_DATA"]) / "near_repeat/chicago_arson.csv", encoding="utf-8") as file:
        events = [(float(x), float(y), dt.date.fromisoformat(day).toordinal()) for x, y, day in csv.reader(file)]
    metres, days = [0, 200, 400, 600], [0, 7, 14, 21]
    expected = defaultdict(int)
    for i, (x, y, t) in enumerate(events):
        for u, v, w in events[:i]:
            far, apart = abs(x - u) + abs(y - v), abs(t - w)
            for a, b in ((0, 0), *zip(metres, metres[1:])):
                if far == 0 == b or (far > 0 and a <= far < b):
                    for c, d in zip(days, days[1:]):
                        expected[a, b, c, d] += c <= apart < d
    lists = [",".join(map(str, column)) for column in zip(*events)]
    rows = svp.sql(f"SELECT k['from_m'] AS a, k['to_m'] AS b, k['from_days'] AS c, k['to_days'] AS d, k['observed'] AS n FROM (SELECT "
                   f"unnest(knox([{lists[0]}], [{lists[1]}], [{lists[2]}], {metres}, {days}, 99, 1)) AS k)")
    ours = {tuple(int(float(row[name])) for name in "abcd"): int(float(row["n"])) for row in rows}
    if ours != expected:
        raise Mismatch(f"{ours}, counted {dict(expected)}")
    return f"{sum(ours.values())} pairs in {len(ours)} bands"


def checks(suite, svp, count):
    """All of them."""
    suite.check("crime: Gi* in SQL, esda", gi_star, svp, count)
    suite.check("crime: aoristic hours, Ratcliffe's method", windows, svp, count)
    suite.check("crime: near repeats in SQL, counted", near_repeats, svp, count)
