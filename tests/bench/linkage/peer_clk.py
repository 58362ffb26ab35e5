"""clkhash and anonlink (Bloom filters, Dice): historical figures and FEBRL4 half.

Usage: SVP_DATA=<data folder> python peer_clk.py [--set historical|febrl|all]
           [--schema documented|full_name|tuned] [--workers N] [--keep DIR] [--out FILE]

Historical figures: the set against itself, raw pairs by Dice. FEBRL4 half: a
against b, greedy one-to-one. Prints one JSON of figures and times.
"""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient
from anonlink.solving import greedy_solve, pairs_from_groups
from clkhash import clk
from clkhash.schema import from_json_dict

import metrics
from prepare import linkage_folder, load_febrl, load_historical

SECRET = "benchmark only"
BLOCK = 2048


def feature(name, kind, n, positional, bits):
    """One schema v3 feature: n-grams hashed with a fixed number of insertions.

    A missing value is the empty string: no n-gram, so no bit.
    """
    formats = {"text": {"type": "string", "encoding": "utf-8"},
               "number": {"type": "integer"}}
    hashing = {"comparison": {"type": "ngram", "n": n, "positional": positional},
               "strategy": {"bitsPerFeature": bits}, "hash": {"type": "doubleHash"}}
    if kind != "text":
        hashing["missingValue"] = {"sentinel": ""}
    return {"identifier": name, "format": formats[kind], "hashing": hashing}


def schema_of(features, length=1024):
    """A linkage schema, version 3, with the key derivation of clkhash's examples."""
    return {
        "version": 3,
        "clkConfig": {"l": length, "kdf": {
            "type": "HKDF", "hash": "SHA256", "info": "c2NoZW1hX2V4YW1wbGU=",
            "salt": "SCbL2zHNnmsckfzchsNkZY9XoHk96P/G5nUBrM7ybymlEFsMV6PAeDZCNp3rfNUP"
                    "CtLDMOGQHG4pCQpfhiHCyA==",
            "keySize": 64}},
        "features": features,
    }


DOCUMENTED_TAIL = [feature("dob", "number", 1, True, 200),
                   feature("birth_place", "text", 2, False, 100),
                   feature("postcode_fake", "text", 2, False, 100)]

# name -> (features, Dice floor). Pairs below the floor are never made, so the
# floor must lie below the best threshold. README.md says where each comes from.
HISTORICAL_SCHEMAS = {
    "documented": ([feature("first_name", "text", 2, False, 200),
                    feature("surname", "text", 2, False, 200), *DOCUMENTED_TAIL], 0.70),
    "full_name": ([feature("full_name", "text", 2, False, 300), *DOCUMENTED_TAIL], 0.68),
    "tuned": ([feature("full_name", "text", 2, False, 300),
               feature("dob", "number", 2, True, 100),
               feature("birth_place", "text", 2, False, 100),
               feature("postcode_fake", "text", 2, False, 100)], 0.64),
}
FEBRL_SCHEMAS = {
    "documented": ([feature("given_name", "text", 2, False, 200),
                    feature("surname", "text", 2, False, 200),
                    feature("date_of_birth", "number", 1, True, 200),
                    feature("postcode", "number", 1, True, 100)], 0.58),
    "full_name": ([feature("full_name", "text", 2, False, 300),
                   feature("date_of_birth", "number", 1, True, 200),
                   feature("postcode", "number", 1, True, 100)], 0.54),
    "tuned": ([feature("full_name", "text", 2, False, 300),
               feature("date_of_birth", "number", 2, True, 200),
               feature("postcode", "number", 2, True, 100)], 0.50),
}


def encode(frame, schema, workers):
    """One Bloom filter for each row, on the columns the schema names."""
    names = [part["identifier"] for part in schema["features"]]
    rows = frame[names].fillna("").astype(str).to_numpy().tolist()
    return clk.generate_clks(rows, from_json_dict(schema), SECRET, max_workers=workers)


def compare_block(filters, start, floor):
    """Pairs of rows start.. of one block with all rows from the block on, Dice >= floor.

    Self pairs and pairs below the diagonal are dropped.
    """
    stop = min(start + BLOCK, len(filters))
    scores, _, (left, right) = find_candidate_pairs(
        [filters[start:stop], filters[start:]], dice_coefficient, floor)
    left, right = np.asarray(left, np.int64), np.asarray(right, np.int64)
    keep = left < right
    return left[keep] + start, right[keep] + start, np.asarray(scores)[keep]


SHARED = {}


def cpu_seconds():
    """CPU time of this process and of the workers that have ended."""
    return sum(os.times()[:4])


def remember(filters):
    """Hand the filters to a worker process once."""
    SHARED["filters"] = filters


def compare_shared(start_and_floor):
    return compare_block(SHARED["filters"], *start_and_floor)


def compare_within(filters, floor, workers):
    """All unordered pairs within one set with Dice >= floor."""
    tasks = [(start, floor) for start in range(0, len(filters), BLOCK)]
    with ProcessPoolExecutor(workers, initializer=remember, initargs=(filters,)) as pool:
        parts = list(pool.map(compare_shared, tasks))
    return tuple(np.concatenate(column) for column in zip(*parts))


def cluster_sweep(pairs, truth, thresholds):
    """Connected components of the pairs at each threshold: both cluster measures."""
    left, right, score = pairs
    sweep = {}
    for threshold in thresholds:
        chosen = score >= threshold
        found = metrics.connected_components(truth.index, left[chosen], right[chosen])
        shape = metrics.cluster_figures(found, truth)
        sweep[f"{threshold:.4f}"] = {"closed_pairwise_f1": shape["closed_pairwise"]["f1"],
                                     "b_cubed_f1": shape["b_cubed"]["f1"]}
    return sweep


def run_historical(folder, name, workers, keep):
    """Historical figures against itself with one schema: raw pairs by Dice."""
    features, floor = HISTORICAL_SCHEMAS[name]
    frame = load_historical(folder)
    truth = frame.set_index("unique_id")["cluster"]
    inputs = frame.assign(dob=frame["dob"].str.replace("-", ""))
    started, cpu = time.perf_counter(), cpu_seconds()
    filters = encode(inputs, schema_of(features), workers)
    encoded = time.perf_counter()
    left, right, score = compare_within(filters, floor, workers)
    compared, cpu = time.perf_counter(), cpu_seconds() - cpu
    ids = frame["unique_id"].to_numpy()
    left, right = ids[left], ids[right]
    keep_pairs(keep, f"historical_clk_{name}", left, right, score)
    best = metrics.best_pair_f1(left, right, score, truth)
    rough = [best["threshold"], *np.arange(np.ceil(best["threshold"] * 50) / 50, 0.9, 0.02)]
    return {"records": len(frame), "floor": floor, "pairs_above_floor": len(score),
            "mean_bits_set": float(np.mean([bits.count() for bits in filters])),
            "seconds": {"encode": encoded - started, "compare": compared - encoded,
                        "records_to_pairs": compared - started, "cpu": cpu},
            "pairs": {"best": best},
            "cluster_sweep": cluster_sweep((left, right, score), truth, rough)}


def run_febrl(folder, name, workers, keep):
    """The FEBRL4 half with one schema: candidate pairs, then greedy one-to-one."""
    features, floor = FEBRL_SCHEMAS[name]
    sides = [load_febrl(folder, side) for side in "ab"]
    truths = [frame.set_index("rec_id")["cluster"] for frame in sides]
    whole_names = [frame.assign(full_name=(
        frame["given_name"].fillna("") + " " + frame["surname"].fillna("")).str.strip())
        for frame in sides]
    started, cpu = time.perf_counter(), cpu_seconds()
    filters = [encode(frame, schema_of(features), workers) for frame in whole_names]
    encoded = time.perf_counter()
    candidates = find_candidate_pairs(filters, dice_coefficient, floor)
    compared = time.perf_counter()
    chosen = list(pairs_from_groups(greedy_solve(candidates)))
    solved, cpu = time.perf_counter(), cpu_seconds() - cpu

    scores, _, (rows_a, rows_b) = candidates
    score_of = dict(zip(zip(rows_a, rows_b), scores))
    score = np.array([score_of[pair] for pair in chosen])
    left, right = (sides[side]["rec_id"].to_numpy()[[pair[side] for pair in chosen]]
                   for side in (0, 1))
    truth = pd.concat(truths)
    true_pairs = metrics.count_true_cross_pairs(*truths)
    keep_pairs(keep, f"febrl_clk_{name}", left, right, score)
    figures = {"best": metrics.best_pair_f1(left, right, score, truth, true_pairs)}
    for threshold in (0.7, 0.8):
        figures[f"at_dice_{threshold}"] = metrics.pair_f1_at(
            left, right, score, truth, threshold, true_pairs)
    raw = metrics.best_pair_f1(sides[0]["rec_id"].to_numpy()[np.asarray(rows_a)],
                               sides[1]["rec_id"].to_numpy()[np.asarray(rows_b)],
                               scores, truth, true_pairs)
    return {"records": [len(frame) for frame in sides], "floor": floor,
            "pairs_above_floor": len(scores),
            "seconds": {"encode": encoded - started, "compare": compared - encoded,
                        "solve": solved - compared, "records_to_pairs": solved - started,
                        "cpu": cpu},
            "pairs_one_to_one": figures, "pairs_raw_best": raw}


def keep_pairs(folder, name, left, right, score):
    """Write scored pairs as parquet."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"left_id": left, "right_id": right, "score": score}).to_parquet(
            Path(folder) / f"{name}_pairs.parquet", index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="linkage data folder (default: env SVP_DATA)")
    parser.add_argument("--set", choices=["historical", "febrl", "all"], default="all")
    parser.add_argument("--schema", action="append", choices=list(FEBRL_SCHEMAS),
                        help="may be repeated (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--keep", help="folder for scored pairs (parquet)")
    parser.add_argument("--out", help="JSON file (default: standard output)")
    options = parser.parse_args()
    folder = linkage_folder(options.data)
    figures = {"clkhash": version("clkhash"), "anonlink": version("anonlink"),
               "workers": options.workers, "load_average": os.getloadavg()[0]}
    for data_set, run in (("historical", run_historical), ("febrl", run_febrl)):
        if options.set in (data_set, "all"):
            figures[data_set] = {
                name: run(folder, name, options.workers, options.keep)
                for name in options.schema or FEBRL_SCHEMAS}
    text = json.dumps(figures, indent=2)
    Path(options.out).write_text(text + "\n") if options.out else print(text)


if __name__ == "__main__":
    main()
