"""Makes N times the data: copies of the street-level months, each in months of its own and with crime IDs of its own.

Copy k of month i is the month 1970-01 plus (k x months + i), in the file name and in the column Month. The hexadecimal
digits of its crime IDs are exchanged by a permutation seeded with k, so that no ID occurs in two copies and the text
stays as incompressible as it was. Nothing else changes: places, types and outcomes are real.

Usage: copies.py SOURCE-FOLDER TARGET-FOLDER FIRST-COPY END-COPY [PROCESSES]
Prints one JSON object: files, rows, bytes of CSV and of gzip written.
"""

import gzip
import json
import random
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

FIRST_YEAR = 1970
ID_DIGITS = 64
MONTH = re.compile(r"^(\d{4}-\d{2})(-.*)$")


def month_after(months):
    """The month that many months after the first, as YYYY-MM."""
    return f"{FIRST_YEAR + months // 12:04}-{months % 12 + 1:02}"


def permutation(copy):
    """A translation of hexadecimal digits of its own for each copy."""
    digits = list("0123456789abcdef")
    random.Random(copy).shuffle(digits)
    return str.maketrans("0123456789abcdef", "".join(digits))


def one(job):
    """Writes one month of one copy; returns its rows and bytes."""
    source, target, copy, months = job
    old = MONTH.match(source.name)
    new = month_after(months)
    table = permutation(copy)
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        lines = file.readlines()
    out = [lines[0]]
    for line in lines[1:]:
        cut = ID_DIGITS if line[0] != "," else 0
        if line[cut + 1 : cut + 8] != old.group(1):
            sys.exit(f"copies: {source.name} does not have the expected columns")
        out.append(f"{line[:cut].translate(table)},{new}{line[cut + 8:]}")
    text = "".join(out).encode()
    path = target / f"{new}{old.group(2)}"
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as file:
        file.write(text)
    return len(out) - 1, len(text), path.stat().st_size


def main():
    """The command."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    first, end = int(sys.argv[3]), int(sys.argv[4])
    processes = int(sys.argv[5]) if len(sys.argv) > 5 else 2
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*-street.csv.gz"))
    jobs = [(file, target, copy, copy * len(files) + i) for copy in range(first, end) for i, file in enumerate(files)]
    with ProcessPoolExecutor(processes) as pool:
        done = list(pool.map(one, jobs, chunksize=4))
    rows, csv, gz = (sum(column) for column in zip(*done)) if done else (0, 0, 0)
    print(json.dumps({"files": len(done), "rows": rows, "csv_bytes": csv, "gzip_bytes": gz}))


if __name__ == "__main__":
    main()
