"""Splink on clear text: historical figures (dedupe) and the FEBRL4 half (link).

Usage: SVP_DATA=<data folder> python peer_splink.py [--set historical|febrl|all]
           [--max-pairs N] [--seed N] [--threads N] [--keep DIR] [--out FILE]

The models follow Splink's own demos, `deduplicate_50k_synthetic` and `febrl4`;
README.md says where they had to differ. Prints one JSON of figures and times.
"""

import argparse
import json
import logging
import os
import time
from importlib.metadata import version
from pathlib import Path

import duckdb
import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.blocking_analysis import count_comparisons_from_blocking_rules

import metrics
from prepare import linkage_folder, load_febrl, load_historical

CLUSTER_THRESHOLD = 0.95
SWEEP = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999]

HISTORICAL_BLOCKING = [
    ("substr(first_name,1,3)", "substr(surname,1,4)"),
    ("surname", "dob"),
    ("first_name", "dob"),
    ("postcode_fake", "first_name"),
    ("postcode_fake", "surname"),
    ("dob", "birth_place"),
    ("substr(postcode_fake,1,3)", "dob"),
    ("substr(postcode_fake,1,3)", "first_name"),
    ("substr(postcode_fake,1,3)", "surname"),
    ("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
]
HISTORICAL_PRIOR = [
    ("first_name", "surname", "dob"),
    ("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
    ("dob", "postcode_fake"),
]
FEBRL_PRIOR = [("given_name", "surname", "date_of_birth")]
FEBRL_SWAPPED = "l.given_name = r.surname and l.surname = r.given_name"


class Steps:
    """Wall time of named steps, in order."""

    def __init__(self):
        self.seconds = {}
        self.last, self.cpu = time.perf_counter(), time.process_time()

    def done(self, name):
        now = time.perf_counter()
        self.seconds[name] = now - self.last
        self.last, self.cpu_to_end = now, time.process_time() - self.cpu


def open_database(threads):
    """A DuckDB connection in memory for Splink, with a set number of threads."""
    connection = duckdb.connect(":memory:", config={"threads": threads})
    return DuckDBAPI(connection)


def historical_settings():
    """The model of Splink's historical-persons demo."""
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*r) for r in HISTORICAL_BLOCKING],
        comparisons=[
            cl.ForenameSurnameComparison(
                "first_name", "surname",
                forename_surname_concat_col_name="first_name_surname_concat"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        retain_intermediate_calculation_columns=True,
    )


def febrl_blocking():
    """The demo's rules that need no column beyond the four."""
    return [block_on("given_name", "surname"), FEBRL_SWAPPED,
            block_on("date_of_birth"), block_on("postcode")]


def febrl_settings():
    """The detailed model of Splink's FEBRL4 demo, on four columns only."""
    return SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="link_only",
        blocking_rules_to_generate_predictions=febrl_blocking(),
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d",
                invalid_dates_as_null=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
                term_frequency_adjustments=True),
        ],
        retain_intermediate_calculation_columns=True,
    )


def train(linker, prior_rules, recall, passes, sampling, steps):
    """Prior, u by random sampling, then EM once per blocking rule."""
    linker.training.estimate_probability_two_random_records_match(prior_rules, recall=recall)
    steps.done("prior")
    linker.training.estimate_u_using_random_sampling(**sampling)
    steps.done("estimate_u")
    for rule in passes:
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True)
    steps.done("em")


def summed(steps):
    """The steps, training as a whole, and everything from records to clusters."""
    seconds = dict(steps.seconds)
    training = sum(seconds[name] for name in ("prior", "estimate_u", "em"))
    return {**seconds, "training": training, "records_to_clusters": sum(seconds.values()),
            "cpu": steps.cpu_to_end}


def scored_pairs(predictions, left, right):
    """Ids, match weight and probability, and the rule that made each pair first."""
    return predictions.query_sql(
        f"select {left} as left_id, {right} as right_id, match_weight, "
        "match_probability, cast(match_key as integer) as rule from {this}"
    ).as_pandas_dataframe()


def cluster_of(clusters, record_column):
    """id -> found cluster, as a pandas series."""
    frame = clusters.query_sql(
        f"select {record_column} as id, cluster_id from {{this}}").as_pandas_dataframe()
    return frame.set_index("id")["cluster_id"]


def blocking_figures(pairs, tables, rules, truth, true_pairs, **options):
    """Pairs per rule (alone; beyond the earlier rules; true ones) and pair recall."""
    is_true = (truth.loc[pairs["left_id"]].to_numpy()
               == truth.loc[pairs["right_id"]].to_numpy())
    added = pairs["rule"].value_counts()
    added_true = pairs.loc[is_true, "rule"].value_counts()
    rows = []
    for number, rule in enumerate(rules):
        counted = count_comparisons_from_blocking_rules(
            tables, blocking_rules=[rule], record_sample_proportion=1.0, **options)[0]
        rows.append({"rule": counted["blocking_rule"],
                     "alone": int(counted["cumulative_comparison_count"]),
                     "added": int(added.get(number, 0)),
                     "added_true": int(added_true.get(number, 0))})
    return {"rules": rows, "alone_total": sum(row["alone"] for row in rows),
            "scored_pairs": len(pairs), "true_pairs": true_pairs,
            "true_pairs_scored": int(is_true.sum()),
            "pair_recall": float(is_true.sum() / true_pairs)}


def pair_figures(pairs, truth, true_pairs):
    """Raw-pair F1: best over thresholds of the match weight, and at set probabilities."""
    ids = (pairs["left_id"], pairs["right_id"])
    figures = {"best": metrics.best_pair_f1(*ids, pairs["match_weight"], truth, true_pairs)}
    for threshold in (0.5, 0.95):
        figures[f"at_probability_{threshold}"] = metrics.pair_f1_at(
            *ids, pairs["match_probability"], truth, threshold, true_pairs)
    return figures


def keep_tables(folder, name, pairs, clusters):
    """Write scored pairs and clusters as parquet."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        pairs.to_parquet(Path(folder) / f"{name}_pairs.parquet", index=False)
        clusters.rename("cluster_id").rename_axis("id").reset_index().to_parquet(
            Path(folder) / f"{name}_clusters.parquet", index=False)


def run_historical(folder, sampling, threads, keep):
    """Historical figures: train, predict, cluster at 0.95; figures and times."""
    frame = load_historical(folder)
    truth = frame.set_index("unique_id")["cluster"]
    names = ["unique_id", "first_name", "surname", "dob", "birth_place",
             "postcode_fake", "occupation"]
    inputs = frame[names].astype("string")
    steps = Steps()
    inputs["first_name_surname_concat"] = inputs["first_name"] + " " + inputs["surname"]
    table = open_database(threads).register(inputs)
    linker = Linker(table, historical_settings())
    steps.done("load")
    train(linker, [block_on(*rule) for rule in HISTORICAL_PRIOR], 0.6,
          [block_on("first_name", "surname"), block_on("dob")], sampling, steps)
    predictions = linker.inference.predict()
    steps.done("predict")
    cluster = linker.clustering.cluster_pairwise_predictions_at_threshold
    clusters = cluster(predictions, threshold_match_probability=CLUSTER_THRESHOLD)
    steps.done("cluster")

    true_pairs = metrics.count_true_pairs(truth)
    pairs = scored_pairs(predictions, "unique_id_l", "unique_id_r")
    found = cluster_of(clusters, "unique_id")
    keep_tables(keep, "historical_splink", pairs, found)
    sweep = {}
    for threshold in SWEEP:
        again = cluster(predictions, threshold_match_probability=threshold)
        shape = metrics.cluster_figures(cluster_of(again, "unique_id"), truth)
        sweep[str(threshold)] = {"closed_pairwise_f1": shape["closed_pairwise"]["f1"],
                                 "b_cubed_f1": shape["b_cubed"]["f1"]}
    return {
        "records": len(frame), "persons": int(truth.nunique()),
        "prior": linker._settings_obj._probability_two_random_records_match,
        "seconds": summed(steps),
        "pairs": pair_figures(pairs, truth, true_pairs),
        "clusters_at_0.95": metrics.cluster_figures(found, truth),
        "cluster_sweep": sweep,
        "blocking": blocking_figures(
            pairs, table, [block_on(*r) for r in HISTORICAL_BLOCKING], truth,
            true_pairs, link_type="dedupe_only"),
    }


def run_febrl(folder, sampling, threads, keep):
    """The FEBRL4 half on name, date of birth and postcode only."""
    sides = {side: load_febrl(folder, side) for side in "ab"}
    truth = {side: frame.set_index("rec_id")["cluster"] for side, frame in sides.items()}
    everyone = pd.concat([truth["a"], truth["b"]])
    inputs = {side: frame.drop(columns="cluster").astype("string")
              for side, frame in sides.items()}
    steps = Steps()
    api = open_database(threads)
    tables = [api.register(inputs[side], dataset_display_name=f"febrl_{side}")
              for side in "ab"]
    linker = Linker(tables, febrl_settings())
    steps.done("load")
    train(linker, [block_on(*rule) for rule in FEBRL_PRIOR], 0.8,
          [block_on("date_of_birth"), block_on("postcode")], sampling, steps)
    predictions = linker.inference.predict()
    steps.done("predict")
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=CLUSTER_THRESHOLD)
    steps.done("cluster")

    true_pairs = metrics.count_true_cross_pairs(truth["a"], truth["b"])
    pairs = scored_pairs(predictions, "rec_id_l", "rec_id_r")
    found = cluster_of(clusters, "rec_id")
    keep_tables(keep, "febrl_splink", pairs, found)
    best_first = metrics.greedy_one_to_one(
        pairs["left_id"], pairs["right_id"], pairs["match_weight"])
    return {
        "records": {side: len(frame) for side, frame in sides.items()},
        "prior": linker._settings_obj._probability_two_random_records_match,
        "seconds": summed(steps),
        "pairs": pair_figures(pairs, everyone, true_pairs),
        "pairs_one_to_one": pair_figures(pairs.iloc[best_first], everyone, true_pairs),
        "blocking": blocking_figures(
            pairs, tables, febrl_blocking(), everyone, true_pairs,
            link_type="link_only", unique_id_column_name="rec_id"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="linkage data folder (default: env SVP_DATA)")
    parser.add_argument("--set", choices=["historical", "febrl", "all"], default="all")
    parser.add_argument("--seed", type=int, default=-1,
                        help="of the u sampling; -1: none, as in the demo")
    parser.add_argument("--max-pairs", type=float, default=1e7,
                        help="of the u sampling (Splink's demo: 1e7)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--keep", help="folder for scored pairs and clusters (parquet)")
    parser.add_argument("--out", help="JSON file (default: standard output)")
    options = parser.parse_args()
    logging.getLogger("splink").setLevel(logging.ERROR)
    folder = linkage_folder(options.data)
    sampling = {"max_pairs": options.max_pairs,
                "seed": None if options.seed < 0 else options.seed}
    figures = {"splink": version("splink"), "duckdb": version("duckdb"),
               "threads": options.threads,
               "load_average": os.getloadavg()[0], **sampling}
    for name, run in (("historical", run_historical), ("febrl", run_febrl)):
        if options.set in (name, "all"):
            figures[name] = run(folder, sampling, options.threads, options.keep)
    text = json.dumps(figures, indent=2)
    Path(options.out).write_text(text + "\n") if options.out else print(text)


if __name__ == "__main__":
    main()
