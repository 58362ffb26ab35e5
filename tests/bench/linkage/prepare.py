"""Write the plain CSV inputs of the linkage benchmark.

Usage: SVP_DATA=<data folder> python prepare.py --out DIR   (or --data DIR)

The data folder is the one holding `historical_figures/` and `febrl/` (its
parent, holding `linkage/`, works as well).
"""

import argparse
import os
from pathlib import Path

import pandas as pd

HISTORICAL = "historical_figures/historical_figures_with_errors_50k_even_clusters.parquet"
HISTORICAL_COLUMNS = [
    "unique_id", "cluster", "full_name", "first_name", "surname", "dob",
    "birth_place", "postcode_fake", "gender", "occupation",
]
FEBRL = {
    "a": "febrl/dataset4a_entities_0000-2499.csv",
    "b": "febrl/dataset4b_entities_0000-2499.csv",
}
FEBRL_COLUMNS = ["rec_id", "cluster", "given_name", "surname", "date_of_birth", "postcode"]


def linkage_folder(data=None):
    """The linkage data folder, from the argument or from SVP_DATA."""
    given = data or os.environ.get("SVP_DATA")
    if not given:
        raise SystemExit("give --data DIR or set SVP_DATA")
    root = Path(given)
    nested = root / "linkage"
    return nested if nested.is_dir() else root


def load_historical(folder):
    """Historical figures: columns as published, missing values as None."""
    frame = pd.read_parquet(Path(folder) / HISTORICAL)[HISTORICAL_COLUMNS]
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.where(frame != "", None)


def load_febrl(folder, side):
    """One side ("a" or "b") of the FEBRL4 half: blanks stripped, raw dates.

    `cluster` is the entity number N of `rec-N-org` / `rec-N-dup-0`.
    """
    frame = pd.read_csv(Path(folder) / FEBRL[side], dtype=str, keep_default_na=False)
    frame.columns = [name.strip() for name in frame.columns]
    frame = frame.apply(lambda column: column.str.strip())
    frame["cluster"] = frame["rec_id"].str.extract(r"^rec-(\d+)-", expand=False)
    frame = frame[FEBRL_COLUMNS].astype(object)
    return frame.where(frame != "", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="linkage data folder (default: env SVP_DATA)")
    parser.add_argument("--out", default=".", help="where the CSV files go")
    options = parser.parse_args()
    folder, out = linkage_folder(options.data), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    frames = {
        "historical.csv": load_historical(folder),
        "febrl_a.csv": load_febrl(folder, "a"),
        "febrl_b.csv": load_febrl(folder, "b"),
    }
    for name, frame in frames.items():
        frame.to_csv(out / name, index=False, lineterminator="\n")
        print(f"{name}: {len(frame)} rows, {frame['cluster'].nunique()} clusters")


if __name__ == "__main__":
    main()
