"""An attack on a release from what is published alone: linear programming by HiGHS, nothing of svp's.

The stranger reads the manifest and the CSV files, and knows what the descriptions say: which tables count the same events,
which squares lie in which, which definition lies inside which. From that it bounds every hidden count. The ledger's true
numbers serve only to say which hidden counts are small themselves (others are hidden to protect them), and to judge the attack.
"""

import csv
import io
import json
import re
import math
import tomllib
from collections import defaultdict
from typing import NamedTuple

import numpy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from harness import ROOT, SHOWN, Mismatch

SUPPRESSED, NOT_AVAILABLE = "[c]", "[x]"
MAP, NESTING_MAPS = "hotspot_grid_", ("hotspot_grid_250m", "hotspot_grid_500m")
SAME_EVENTS = ("by_district", "place_types", "time_coverage")
HOURS, TIMED = "hour_of_week_profile", ("exact", "window", "placeholder", "date")
NESTED = [("opcc_2020", "injury_violence")]  # every event of the first is one of the second
BIG, TINY = 1e6, 1e-5  # no count comes near the one; the other is for the solver
AREA = (1 << 24, 0, 0)  # as a whole: a square that holds every other


LISTS = "known_to_whom"  # its row `all` holds what its other rows, and the tables named after it, count parts of


class Cell(NamedTuple):
    """Where a count stands; `measure` is what is counted, whatever the column's name."""

    definition: str
    table: str
    key: tuple
    measure: str

    def __str__(self):
        return f"{self.table}__{self.definition} {' / '.join(self.key)} {self.measure}"


class Told(NamedTuple):
    """What a release says of a count: the text, and the rule of its table."""

    text: str
    threshold: int
    base: int
    fractional: bool

    def interval(self, freed=False):
        """The least and the greatest number that the text may stand for; `freed`: if what is shown only said that it is not 0."""
        if self.text in (SUPPRESSED, NOT_AVAILABLE):
            return int(self.text == SUPPRESSED and not self.fractional), BIG
        shown, half = float(self.text), 0.5 if self.fractional else 0
        if shown == 0 or freed:
            return (0, 0) if shown == 0 else (1, BIG)
        return max(shown - self.base // 2, self.threshold) - half, shown + (self.base + 1) // 2 - 1 + half


def plain(text):
    """A range as the tables have it: CSV writes `10 to 17`, since a spreadsheet takes `10-17` for a day."""
    return re.sub(r"^(\d{1,2}) to (\d{1,2})$", r"\1-\2", text)


def header(name):
    """What the description of an output says: the columns of its grain; of each count what it measures, and what it is part of."""
    # The maps of squares are one file: its name has the size in braces.
    stem = re.sub(r"^(hotspot_grid_)\d+m$", r"\1{size}m", name)
    lines = (ROOT / "pipelines" / "outputs" / f"{stem}.sql").read_text(encoding="utf-8").splitlines()
    said = tomllib.loads("\n".join(line.removeprefix("--!") for line in lines if line.startswith("--!")))
    measures = {count["name"]: count.get("measure", count["name"]) for count in said["counts"]}
    wholes = {count["name"]: count.get("part_of", []) for count in said["counts"]}
    parts = [(measures[part], measures[w]) for part, of in wholes.items() for w in ([of] if isinstance(of, str) else of)]
    return [column["name"] for column in said["grain"]], measures, parts


def read(svp):
    """What the release says of every count of the definitions that have something to protect."""
    there = [table for table in json.loads((svp.release / "manifest.json").read_text(encoding="utf-8"))["tables"] if table["available"]]
    protected = {table["definition"] for table in there if table["disclosure"]["suppress_below"] > 1}
    release = {}
    for table in there:
        if table["definition"] in protected:
            name, rule = table["name"].split("__")[0], table["disclosure"]
            grain, measures, _ = header(name)
            text = (svp.release / f"{table['name']}.csv").read_text(encoding="utf-8")
            for row in csv.DictReader(io.StringIO(text)):
                for count in table["counts"]:
                    cell = Cell(table["definition"], name, tuple(plain(row[column]) for column in grain), measures[count["name"]])
                    release[cell] = Told(row[count["name"]], rule["suppress_below"], rule["round_to"], name == HOURS)
    return release


def ledger(svp, release):
    """The true number of every count, and the counts that are hidden since they are small."""
    entry = json.loads((svp.lake / "ledger" / svp.record["release"] / "entry.json").read_text(encoding="utf-8"))
    true, small = {}, set()
    for table in entry["tables"]:
        name, definition = table["name"].split("__")
        for row in table["rows"]:
            cell = Cell(definition, name, tuple(row["members"]), table["measure"])
            if cell in release and not table["earlier"]:
                true[cell] = row["value"]
                if row["told"].get("Suppressed", {}).get("primary"):
                    small.add(cell)
    if true.keys() != release.keys() or not small:
        raise Mismatch(f"{len(release)} counts are published, the ledger knows {len(true)} of them, {len(small)} of these small and hidden")
    return true, small


def square(piece):
    """The square that the name of a piece of a map says: its size and its corner."""
    words = piece.removeprefix("rest").removeprefix(":").split(":")
    return (int(words[0].removesuffix("m")), int(words[1]), int(words[2])) if words[0] else AREA


def around(ground, named):
    """The smallest of the named squares that holds a square, itself among them; None if there is none."""
    size, east, north = ground
    while size < AREA[0]:
        if (size, east // size * size, north // size * size) in named:
            return size, east // size * size, north // size * size
        size *= 2
    return AREA if AREA in named else None


class System:
    """Relations between counts: cells, totals, those on maps, and the events of `(definition, patch)` on a patch of ground."""

    def __init__(self, release):
        self.release, self.at, self.intervals, self.relations, self.matrix = release, {}, [], [], None
        self.tables, self.grounds = defaultdict(list), {}
        for cell, told in release.items():
            self.variable(cell, *told.interval())
            self.tables[cell.definition, cell.table].append(cell)
        self.definitions = sorted({definition for definition, _ in self.tables})
        self.nested = [pair for pair in NESTED if set(pair) <= set(self.definitions)]
        for definition in self.definitions:
            self.totals(definition, lambda table, at=definition: self.tables[at, table])
        self.maps()
        for whole, part in self.parts():
            self.relate([whole], [part], most=BIG)
        for definition in self.definitions:
            self.lists(definition)
        for inner, outer in self.nested:
            for name in [name for name in self.at if name[0] == inner]:
                whole = name._replace(definition=outer) if isinstance(name, Cell) else (outer, name[1])
                # Pieces of maps have grounds instead: equal names may stand for different rests.
                if whole in self.at and not str(name[1]).startswith(MAP):
                    self.relate([whole], [name], most=BIG)

    def variable(self, name, low=0, high=BIG):
        """A number that is bounded."""
        self.at[name] = len(self.intervals)
        self.intervals.append((low, high))
        return name

    def relate(self, plus, minus, least=0, most=0):
        """The sum of `plus` less the sum of `minus` is bounded."""
        self.relations.append((self.row(plus, minus), least, most))

    def row(self, plus, minus):
        """The coefficients of a difference of sums."""
        return [(self.at[name], 1) for name in plus] + [(self.at[name], -1) for name in minus]

    def totals(self, definition, of):
        """Tables of the same events, and of parts of them."""
        total, mapped = self.variable((definition, "total")), self.variable((definition, "mapped"))
        self.relate([total], [mapped], most=BIG)
        for name in {name for at, name in list(self.tables) if at == definition}:
            if name in SAME_EVENTS or name.startswith(MAP):
                self.relate([total if name in SAME_EVENTS else mapped], of(name))
        self.relate([total], of("monthly_trend"), most=BIG)
        self.relate([total], of(HOURS), -TINY, BIG)
        times, kinds = of("time_coverage"), of("place_types")
        if times:
            self.relate([cell for cell in times if cell.key[1] in TIMED], of(HOURS), -TINY, BIG)
        for source in {cell.key[0] for cell in times + kinds} if times and kinds else ():
            self.relate([cell for cell in times if cell.key[0] == source], [cell for cell in kinds if cell.key[0] == source])

    def parts(self):
        """Counts of one row of which one is a part of the other: whole and part."""
        for table in {table for _, table in self.tables}:
            for part, whole in header(table)[2]:
                pairs = [(cell._replace(measure=whole), cell) for cell in self.release if (cell.table, cell.measure) == (table, part)]
                yield from (pair for pair in pairs if pair[0] in self.release)

    def lists(self, definition):
        """The two lists of an area, and their overlap: every table of them counts parts of the row of the whole area."""
        wholes = {cell.measure: cell for cell in self.tables[definition, LISTS] if cell.key == ("all",)}
        for at, table in list(self.tables):
            for measure, whole in wholes.items() if at == definition and table.startswith(LISTS) else ():
                rows = [cell for cell in self.tables[at, table] if cell.measure == measure and cell != whole]
                self.relate([whole], rows, most=BIG)
        if wholes:
            self.relate([(definition, "total")], [wholes["known_to_police"], wholes["known_to_hospitals"]], most=BIG)

    def maps(self):
        """Every named square cuts the ground into patches; a piece is what of its square lies in no smaller piece of its map."""
        cells = [cell for cell in self.release if cell.table in NESTING_MAPS]
        named = {square(cell.key[0]) for cell in cells} | {AREA}
        left = {patch: patch[0] ** 2 for patch in named}
        for size, east, north in named - {AREA}:
            left[around((size * 2, east, north), named)] -= size**2
        patches = [patch for patch in named if left[patch] > 0]
        for definition in self.definitions:
            for patch in patches:
                self.variable((definition, patch))
            for table in NESTING_MAPS:
                pieces, grounds = {square(cell.key[0]): cell for cell in self.tables[definition, table]}, defaultdict(list)
                for patch in patches if pieces else ():
                    grounds[pieces.get(around(patch, pieces))].append(patch)
                for piece in {None, *pieces.values()}:  # what no piece holds is empty
                    self.relate([piece] if piece else [], [(definition, patch) for patch in grounds[piece]])
                self.grounds.update({piece: frozenset(grounds[piece]) for piece in pieces.values()})

    def least(self, row, told):
        """The least value of a sum, None if no numbers fit; `told` says other bounds of some variables."""
        if self.matrix is None:
            i, j, values = zip(*((i, j, value) for i, (line, _, _) in enumerate(self.relations) for j, value in line))
            matrix = csr_array((values, (i, j)), shape=(len(self.relations), len(self.at)))
            self.matrix = LinearConstraint(matrix, *zip(*(between for _, *between in self.relations)))
        intervals, goal = numpy.array(self.intervals, float), numpy.zeros(len(self.at))
        intervals[[self.at[name] for name in told]] = list(told.values()) if told else 0
        for j, value in row:
            goal[j] += value
        answer = milp(goal, constraints=self.matrix, bounds=Bounds(intervals[:, 0], intervals[:, 1]))
        if answer.status not in (0, 2):
            raise RuntimeError(f"HiGHS: {answer.message}")
        return answer.fun if answer.status == 0 else None

    def bounds(self, plus, minus=(), told=None):
        """The least and the greatest value of a difference of sums; whole numbers unless hours of the week are in it."""
        least, most = (self.least(row, told or {}) for row in (self.row(plus, minus), self.row(minus, plus)))
        if least is None or most is None:
            raise Mismatch("the published numbers contradict one another")
        if any(name in self.release and self.release[name].fractional for name in (*plus, *minus)):
            return least, -most
        return math.ceil(least - TINY), math.floor(TINY - most)

    def broken(self, cells):
        """The cells whose bounds do not hold all that the marks alone leave open, up to the threshold."""
        freed = {cell: told.interval(freed=True) for cell, told in self.release.items()}
        for cell in sorted(cells):
            (least, most), above = self.bounds([cell]), self.release[cell].threshold - 1
            below = max(1, self.bounds([cell], told=freed)[0])
            if least > below + TINY or most < above - TINY:
                yield cell, least, most, f"{cell}: from {least:g} to {most:g}, {below:g} to {above} must stay open"

    def implied(self):
        """Numbers that nobody published but that follow: what they are, the sums whose difference they are, their threshold."""
        for definition in self.definitions:
            strict = max(told.threshold for cell, told in self.release.items() if cell.definition == definition)
            yield f"{definition}: events on no map", [(definition, "total")], [(definition, "mapped")], strict
            yield f"{definition}: events of no month", [(definition, "total")], self.tables[definition, "monthly_trend"], strict
        for whole, part in self.parts():
            yield f"{whole} but not {part.measure}", [whole], [part], self.release[whole].threshold
        for inner, outer in self.nested:
            for cell in self.release:
                other = cell._replace(definition=outer)
                if cell.definition == inner and other in self.release and cell.table != HOURS and not cell.table.startswith(MAP):
                    yield f"{other} but not {inner}", [other], [cell], max(self.release[cell].threshold, self.release[other].threshold)
        yield from self.implied_grounds()

    def implied_grounds(self):
        """Every definition on the grounds of all pieces, and on those of a large square with and without what of a small one it holds."""
        grounds = {ground: str(cell) for cell, ground in self.grounds.items()}
        for small, ground in self.grounds.items():
            for large, wide in self.grounds.items():
                if small.definition == large.definition and small.table < large.table and ground & wide:
                    for part in {ground & wide, wide - ground, ground - wide} - {frozenset()}:
                        grounds.setdefault(part, f"{large} beside {small}")
        published = {(cell.definition, ground) for cell, ground in self.grounds.items()}
        rule = {cell.definition: self.release[cell].threshold for cell in self.grounds}
        for ground, name in grounds.items():
            on = {definition: [(definition, patch) for patch in ground] for definition in rule}
            for definition in rule:
                if (definition, ground) not in published:
                    yield f"{definition} on the ground of {name}", on[definition], [], rule[definition]
            for inner, outer in self.nested if len(rule) > 1 else ():
                yield f"{outer} but not {inner} on the ground of {name}", on[outer], on[inner], max(rule[inner], rule[outer])


def attack(svp):
    """No small count is bounded inside what must stay open; what is true fits what is published and what the tables are said to be."""
    release = read(svp)
    true, small = ledger(svp, release)
    for cell, (least, most) in ((cell, told.interval()) for cell, told in release.items()):
        if not least <= true[cell] <= most:
            raise Mismatch(f"{cell}: published {release[cell].text}, truly {true[cell]}")
    system, known = System(release), {cell: (0, BIG) for cell in release}
    for (definition, table), cells in list(system.tables.items()):
        known.update({cell: (true[cell], true[cell]) for cell in cells})
        if system.least([], known) is None:
            raise Mismatch(f"the true numbers of {table}__{definition} do not fit those of the tables before it")
    broken = [line for *_, line in system.broken(small)]
    if broken:
        raise Mismatch("\n    ".join([f"{len(broken)} of {len(small)} small counts are laid bare", *broken[:SHOWN]]))
    return f"{len(small)} small counts of {sum(told.text == SUPPRESSED for told in release.values())} hidden hold; all {len(true)} true counts fit"


def implied(svp):
    """No number that follows from others is known to be small."""
    system = System(read(svp))
    found = [(name, *system.bounds(plus, minus), threshold) for name, plus, minus, threshold in system.implied()]
    broken = [f"{name}: from {least} to {most}, below {below}" for name, least, most, below in found if 1 <= least and most < below]
    if broken:
        raise Mismatch("\n    ".join([f"{len(broken)} of {len(found)} implied numbers are known to be small", *broken[:SHOWN]]))
    return f"{len(found)} implied numbers"


def attack_works(svp):
    """The same attack on the true numbers, of which only the small ones are hidden, recovers some of them."""
    release = read(svp)
    true, small = ledger(svp, release)
    system = System({cell: told._replace(text=SUPPRESSED if cell in small else repr(true[cell])) for cell, told in release.items()})
    for cell in true.keys() - small:
        system.intervals[system.at[cell]] = true[cell], true[cell]
    broken = list(system.broken(small))
    if not broken:
        raise Mismatch("the attack recovers nothing from numbers without protection: it is blind")
    pinned = sum(least == most == true[cell] for cell, least, most, _ in broken)
    return f"{len(broken)} of {len(small)} small counts laid bare, {pinned} of them to the number"


def checks(suite, svp, _count):
    """All of them."""
    suite.check("disclosure: small counts, HiGHS", attack, svp)
    suite.check("disclosure: implied numbers, HiGHS", implied, svp)
    suite.check("disclosure: the attack without protection, HiGHS", attack_works, svp)
