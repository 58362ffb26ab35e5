"""What the checks stand on: the binary with a lake of its own, and the count of what passed."""

import csv
import io
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CLOCK = "2025-04-07T06:00:00Z"
AREA = "wessmark"

# A query is one argument of a command, which the kernel limits to 128 KiB.
LONGEST_QUERY = 100_000
SHOWN = 5


class Mismatch(Exception):
    """svp and the stranger differ."""


class Skip(Exception):
    """The check cannot be made here."""


class Svp:
    """The binary and a lake of the invented county, made for these checks."""

    def __init__(self, folder):
        self.binary = self._binary()
        self.lake = Path(folder) / "lake"
        key = Path(folder) / "conformance.key"
        self._run("key", "new", "--out", key, "--purpose", "conformance")
        self._run("run", "--area", AREA, "--lake", self.lake, "--key", key, "--clock", CLOCK)
        runs = sorted((self.lake / "runs").glob("*.json"))
        self.record = json.loads(runs[-1].read_text(encoding="utf-8"))
        self.release = self.lake / "published" / self.record["release"]

    @staticmethod
    def _binary():
        """SVP_BIN, else the younger of the release build and the dev build: an old one may not know the definitions."""
        named = os.environ.get("SVP_BIN")
        candidates = [Path(named)] if named else [ROOT / "target" / build / "svp" for build in ("release", "debug")]
        there = [candidate for candidate in candidates if candidate.exists()]
        if not there:
            sys.exit("conformance: there is no binary: run `make release` or `cargo build`, or name one with SVP_BIN")
        return max(there, key=lambda candidate: candidate.stat().st_mtime).resolve()

    def _run(self, *words):
        command = [str(self.binary), "--quiet", "--site", str(ROOT), *map(str, words)]
        # The lake and the key of these checks are their own, whatever the environment names.
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("SVP_")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
        if done.returncode != 0:
            raise RuntimeError(f"svp {words[0]} ended with {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def sql(self, query, *words):
        """The rows of a query as dictionaries of text; a NULL is an empty text."""
        return list(csv.DictReader(io.StringIO(self._run("sql", "--lake", self.lake, "--format", "csv", *words, query))))

    def over(self, names, rows, select, wrap="{}"):
        """Evaluates expressions over rows of literals, in as few queries as fit; `i` numbers the rows from 0.

        `names` are the columns of `rows`, whose values are numbers or text; `select` is what to select beside `i`, from
        the rows or from what `wrap` makes of them.
        """
        out, batch, length = [], [], 0

        def flush():
            if batch:
                values = f"(VALUES {','.join(batch)}) AS v(i, {', '.join(names)})"
                out.extend(self.sql(f"SELECT i, {select} FROM {wrap.format(values)} ORDER BY i"))

        for index, row in enumerate(rows):
            text = f"({','.join([str(index), *map(literal, row)])})"
            if length + len(text) + 1 > LONGEST_QUERY:
                flush()
                batch, length = [], 0
            batch.append(text)
            length += len(text) + 1
        flush()
        return out


def literal(value):
    """A value as SQL text; numbers keep every digit."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def agree(cases, expected, found, same=None):
    """Raises `Mismatch` with the first cases in which the answers differ; says how many agreed."""
    if not len(cases) == len(expected) == len(found):
        raise Mismatch(f"{len(cases)} cases, {len(expected)} expected answers, {len(found)} answers")
    same = same or (lambda one, other: one == other)
    wrong = [line for line in zip(cases, expected, found) if not same(line[1], line[2])]
    if wrong:
        shown = "\n".join(f"    {case}: the stranger says {one!r}, svp says {other!r}" for case, one, other in wrong[:SHOWN])
        raise Mismatch(f"{len(wrong)} of {len(cases)} differ\n{shown}")
    return len(cases)


class Suite:
    """Runs checks and counts them."""

    def __init__(self, only=None):
        self.only = only
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def check(self, name, function, *words):
        """One check: a function that returns what it compared, or raises."""
        if self.only and self.only not in name:
            return
        started = time.perf_counter()
        try:
            said, outcome = function(*words), "passed"
        except Skip as reason:
            said, outcome = f"SKIPPED: {reason}", "skipped"
        except Mismatch as difference:
            said, outcome = f"FAILED: {difference}", "failed"
        except Exception:  # noqa: BLE001 (a check that breaks is a check that fails)
            said, outcome = f"FAILED: {traceback.format_exc()}", "failed"
        self.counts[outcome] += 1
        print(f"{outcome:8}{name}: {said} [{time.perf_counter() - started:.1f} s]", flush=True)

    def close(self):
        """The closing line; the exit code."""
        print(", ".join(f"{count} {outcome}" for outcome, count in self.counts.items()))
        return 1 if self.counts["failed"] else 0
