"""Peer: DuckDB reads the street-level CSV files and writes zstd Parquet, and does nothing else.

No check of a row, no token, no quarantine, no receipt, no coordinates converted, no transaction. Columns and types
are given, the sniffer is off (it takes no quote character from these files and then shifts rows with a quoted
comma), one output file per thread, the order of rows free. One file, rows in order, and 1, 4 or 30 threads were tried
too: none was faster by more than the noise.

Usage: peer_duckdb.py FOLDER-OF-CSV-GZ OUTPUT-FOLDER [THREADS]
Prints one JSON object: rows, and the seconds inside the process after the import.
"""

import json
import sys
import time

STARTED = time.perf_counter()

import duckdb

COLUMNS = {
    "Crime ID": "VARCHAR",
    "Month": "VARCHAR",
    "Reported by": "VARCHAR",
    "Falls within": "VARCHAR",
    "Longitude": "DOUBLE",
    "Latitude": "DOUBLE",
    "Location": "VARCHAR",
    "LSOA code": "VARCHAR",
    "LSOA name": "VARCHAR",
    "Crime type": "VARCHAR",
    "Last outcome category": "VARCHAR",
    "Context": "VARCHAR",
}


def read_csv(folder):
    """The SQL that reads every file of a folder with explicit columns."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    return (
        f"read_csv('{folder}/*.csv.gz', auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
        f"columns={{{columns}}})"
    )


def ingest(folder, output, threads=2):
    """Copies a folder of CSV into a folder of Parquet; returns the rows written."""
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("SET preserve_insertion_order = false")
    copied = connection.execute(
        f"COPY (SELECT * FROM {read_csv(folder)}) TO '{output}' (FORMAT parquet, COMPRESSION zstd, PER_THREAD_OUTPUT true)"
    )
    return copied.fetchone()[0]


def main():
    """The command."""
    imported = time.perf_counter()
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    rows = ingest(sys.argv[1], sys.argv[2], threads)
    ended = time.perf_counter()
    print(json.dumps({"rows": rows, "seconds": ended - imported, "import_seconds": imported - STARTED}))


if __name__ == "__main__":
    main()
