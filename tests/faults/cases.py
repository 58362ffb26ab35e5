"""A case: what is sent, in which order, what was done to it, and what is true of it; and the list of kinds of damage."""

import random
from dataclasses import dataclass, field

from extracts import FORMS, MONTHLY, MONTHS, TABLES_903, YEARS, Sheet, clean
from figures import Part, figures

SIZES = (25, 40, 60, 90)
LIMITS = {"cin_census": (15, 30, 50), "ssda903": (None,)}


@dataclass(frozen=True)
class Kind:
    """A kind of damage: how it is done, to which sources, and what may be expected of it.

    `expect` is one of `control` (right, and not a word of it), `harmless` (right; refusing it is a nuisance that is counted) and
    `damage`. `tells` are the kinds of finding that speak of it, any if empty; `whole_source` says that a finding about the source,
    which names no file, speaks of it too (a file that is not there has no name). `whole`: all rows of each extract are sent.
    """

    name: str
    act: object
    sources: tuple
    expect: str = "damage"
    tells: tuple = ()
    whole_source: bool = False
    alone: bool = False
    months: int = 0
    whole: bool = False
    table: str = ""
    years: int = 0


KINDS = {}
EVERY = tuple(FORMS)
MONTH_FILES = tuple(MONTHLY)
TEXT = tuple(source for source in FORMS if source != "cin_census")


def kind(*sources, **words):
    """Enters a function `act(delivery, sheet, rng)` into the list of kinds under its own name."""

    def enter(act):
        KINDS[act.__name__] = Kind(act.__name__, act, sources or EVERY, **words)
        return act

    return enter


class Unfit(Exception):
    """The extract that was drawn cannot be damaged in this way; another is drawn."""


@dataclass
class Delivery:
    """Files of one source (and sometimes of a second one, which is left alone), and what they say.

    `parts` are the true rows in the order of knowledge, `unknown` the months of which nobody sent anything. `damaged` names files of which
    a finding may speak, `named` words (elements) with which even a remark on what is not read speaks of the damage. `must_tell`: a right
    figure would be chance. `keeps`: a refused delivery leaves the figures of the one before. `only_published`: canonical tables may
    differ. `desk`: the source's files are encoded at the sender's desk, and `on_the_way` changes their bytes after that.
    """

    source: str
    months: list
    sheets: list
    second: str = ""
    stages: list = field(default_factory=list)
    parts: dict = field(default_factory=dict)
    unknown: set = field(default_factory=set)
    damaged: set = field(default_factory=set)
    record: list = field(default_factory=list)
    named: set = field(default_factory=set)
    keeps: bool = False
    desk: bool = False
    on_the_way: object = None
    reader: str = ""
    only_published: bool = False
    must_tell: bool = False

    def note(self, text):
        """Writes down what was done."""
        self.record.append(text)

    def rows(self, sheet):
        """The rows of a sheet as they are true; changing them changes what is expected."""
        return self.parts[sheet.name].rows

    def path(self, sheet, name=None, folder=None):
        """Where a sheet is put."""
        return f"{FORMS[sheet.source].folder if folder is None else folder}/{name or sheet.name}"

    def files(self, sheets=None):
        """Files of the sheets as they are now."""
        return {self.path(sheet): sheet.data() for sheet in (self.sheets if sheets is None else sheets)}

    def others(self, sheet):
        """All other sheets."""
        return [other for other in self.sheets if other is not sheet]

    def expected(self):
        """The true figures."""
        known = [month for month in self.months if month not in self.unknown]
        out = figures(list(self.parts.values()), self.months, known)
        out |= {("event_ids", key[1]): count for key, count in out.items() if key[0] == "events"}
        return out

    def month_of(self, sheet):
        """Month of a monthly sheet."""
        return next(month for month in self.months if month in sheet.name)


def _sheets(source, months, years, size, rng):
    if source == "cin_census":
        return [clean(source, year, limit=size, rng=rng) for year in years]
    if source == "ssda903":
        return [clean(source, year, table) for year in years for table in TABLES_903]
    return [clean(source, month, limit=size, rng=rng) for month in months]


def make(kind_, number, seed):
    """The case of a kind and number: the delivery after the damage, and the sheet that was damaged."""
    for attempt in range(50):
        rng = random.Random(f"{seed}:{kind_.name}:{number}:{attempt}")
        source = kind_.sources[number % len(kind_.sources)]
        yearly = FORMS[source].yearly
        # A year of children's services covers April to March, so that its months are months of the release.
        years = YEARS[-kind_.years :] if kind_.years else rng.choice([["2025"], YEARS] if yearly else [["2025"]])
        months = kind_.months or rng.choice([2, 3])
        start = rng.randrange(len(MONTHS) - months + 1)
        months = MONTHS if yearly and len(years) == 2 else MONTHS[12:] if yearly else MONTHS[start : start + months]
        size = None if kind_.whole else rng.choice(LIMITS.get(source, SIZES))
        sheets = _sheets(source, months, years, size, rng)
        second = ""
        if not kind_.alone and not yearly and rng.random() < 0.25:
            second = rng.choice([other for other in MONTHLY if other != source])
            sheets += _sheets(second, months, [], rng.choice(SIZES), rng)
        delivery = Delivery(source, list(months), sheets, second)
        delivery.parts = {sheet.name: Part(sheet.source, sheet.records(), _table(sheet)) for sheet in sheets}
        table = kind_.table if source == "ssda903" else ""
        its = [sheet for sheet in sheets if sheet.source == source and table in sheet.name]
        sheet = rng.choice(its)
        try:
            kind_.act(delivery, sheet, rng)
        except Unfit:
            continue
        delivery.damaged.add(sheet.name)
        if delivery.desk:
            delivery.damaged |= {f"{name.rsplit('.', 1)[0]}.svp" for name in delivery.damaged}
        if not delivery.stages:
            delivery.stages = [delivery.files()]
        # The second source sends its files every time: a source without any would be another fault.
        others = delivery.files([other for other in sheets if other.source != source])
        if not any(path in stage for stage in delivery.stages[:1] for path in others):
            others = {}
        delivery.stages = [others | stage for stage in delivery.stages] if len(delivery.stages) > 1 else delivery.stages
        return delivery, sheet
    raise RuntimeError(f"no extract of {kind_.sources} can be damaged by {kind_.name}")


def _table(sheet):
    return next((table for table in TABLES_903 if sheet.source == "ssda903" and f"_{table}." in sheet.name), "")


def some(rng, count, share=0.15, least=1):
    """Positions of a share of `count` rows, at least `least`."""
    if count < least:
        raise Unfit
    return sorted(rng.sample(range(count), min(count, max(least, round(count * share)))))


def need(condition):
    """Draws another extract where a condition does not hold."""
    if not condition:
        raise Unfit


def is_sheet(sheet):
    """Whether an extract is delimited text."""
    return isinstance(sheet, Sheet)
