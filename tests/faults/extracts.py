"""The sample's extracts as tables in memory: read, freed of the faults that the sample plants, written again in any form."""

import csv
import functools
import gzip
import io
import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import truth

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "sample-data"


@dataclass(frozen=True)
class Form:
    """How a source writes its files: folder of the sample, file name of a month or year, encoding, line end."""

    folder: str
    name: str
    encoding: str = "utf-8"
    newline: str = "\n"
    bom: bool = False
    yearly: bool = False


FORMS = {
    "police_street": Form("police_street", "{month}-wessmark-street.csv"),
    "police_stop_search": Form("stop_search", "{month}-wessmark-stop-and-search.csv"),
    "police_rms": Form("police_rms", "rms_crimes_{month}.csv", "windows-1252", "\r\n"),
    "ecds": Form("ecds", "ecds_{month}.csv"),
    "istv": Form("istv", "istv_{month}.csv", "utf-8", "\r\n", True),
    "cin_census": Form("cin", "CIN_{year}.xml", yearly=True),
    "ssda903": Form("ssda903", "SSDA903_{year}_{table}.csv", yearly=True),
}
MONTHLY = [source for source, form in FORMS.items() if not form.yearly]
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)]
MONTHS = [month for month in MONTHS if "2023-04" <= month <= "2025-03"]
YEARS = ["2024", "2025"]
TABLES_903 = ["header", "episodes", "missing"]


@dataclass
class Sheet:
    """One delimited extract: what its rows say, and the form in which it is written."""

    source: str
    name: str
    header: list
    rows: list
    encoding: str = "utf-8"
    newline: str = "\n"
    bom: bool = False
    delimiter: str = ","
    quote_all: bool = False
    spoil: list = field(default_factory=list)

    def column(self, name):
        """Position of a column."""
        return self.header.index(name)

    def get(self, row, name):
        """A value of a row."""
        return row[self.header.index(name)]

    def put(self, row, name, value):
        """Sets a value of a row."""
        row[self.header.index(name)] = value

    def line(self, row):
        """A row as text with its line end."""
        text = io.StringIO()
        quoting = csv.QUOTE_ALL if self.quote_all else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline, quoting=quoting).writerow(row)
        return text.getvalue()

    def encode(self, text):
        """Text in the extract's encoding."""
        return text.encode(self.encoding, errors="replace")

    def data(self):
        """The file: header, rows, and what was done to the bytes after that, in order."""
        out = self.encode("\ufeff") if self.bom else b""
        out += self.encode("".join(self.line(row) for row in [self.header, *self.rows]))
        for change in self.spoil:
            out = change(out)
        return out

    def records(self):
        """The rows as dictionaries, as `truth` takes them."""
        return [dict(zip(self.header, row)) for row in self.rows]


@dataclass
class Document:
    """One XML return: its tree, and the form in which it is written."""

    source: str
    name: str
    root: ET.Element
    declaration: str = '<?xml version="1.0" encoding="utf-8"?>\n'
    encoding: str = "utf-8"
    spoil: list = field(default_factory=list)

    def children(self):
        """The children of the return."""
        return self.root.find("Children")

    def text(self):
        """The document without its declaration."""
        return ET.tostring(self.root, encoding="unicode")

    def data(self):
        """The file, and what was done to its bytes after that, in order."""
        out = (self.declaration + self.text() + "\n").encode(self.encoding)
        for change in self.spoil:
            out = change(out)
        return out

    def records(self):
        """The tree, as `truth` takes it."""
        return deepcopy(self.root)


def packed(data):
    """The bytes as gzip, the same at every time."""
    return gzip.compress(data, mtime=0)


@functools.cache
def planted():
    """Positions of the rows in which the sample plants a fault, by file."""
    out = {}
    for fault in json.loads((SAMPLE / "truth" / "counts.json").read_text(encoding="utf-8"))["planted"]:
        out.setdefault(fault["file"].removesuffix(".gz"), set()).add(fault["row"] - 1)
    return out


@functools.cache
def _clean(source, key, table=""):
    form = FORMS[source]
    name = form.name.format(month=key, year=key, table=table)
    path = SAMPLE / form.folder / name
    packed_path = path.with_name(path.name + ".gz")
    data = gzip.decompress(packed_path.read_bytes()) if packed_path.exists() else path.read_bytes()
    bad = planted().get(f"{form.folder}/{name}", set())
    if source == "cin_census":
        root = ET.fromstring(data)
        children = root.find("Children")
        for index, child in reversed(list(enumerate(children))):
            if index in bad or not truth.plain_child(child):
                children.remove(child)
        return Document(source, name, root)
    text = data.decode("utf-8-sig" if form.encoding == "utf-8" else form.encoding)
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    rows = [row for index, row in enumerate(rows) if index not in bad]
    rows = [row for row in rows if truth.plain(source, dict(zip(header, row)), key, table)]
    rows = truth.once(source, header, rows)
    return Sheet(source, name, header, rows, form.encoding, form.newline, form.bom)


def clean(source, key, table="", limit=None, rng=None):
    """A copy of a clean extract of a month (or year); with a limit a random part of its rows, in their order."""
    made = deepcopy(_clean(source, key, table))
    if limit and isinstance(made, Document):
        children = made.children()
        for child in rng.sample(list(children), max(0, len(children) - limit)):
            children.remove(child)
    elif limit and len(made.rows) > limit:
        keys = sorted({truth.record_of(source, made.header, row, at) for at, row in enumerate(made.rows)}, key=str)
        kept = set(rng.sample(keys, max(1, round(len(keys) * limit / len(made.rows)))))
        made.rows = [row for at, row in enumerate(made.rows) if truth.record_of(source, made.header, row, at) in kept]
    return made
