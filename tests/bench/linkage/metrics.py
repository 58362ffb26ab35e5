"""Linkage metrics: raw scored pairs, closed clusters, B-cubed.

Identifiers may be strings or numbers. A record without a truth entry is an
error. Unordered pairs: (a, b) and (b, a) are the same pair, of which the
highest score counts; self pairs are dropped.

`python metrics.py` checks everything against brute force.
"""

import numpy as np
import pandas as pd


def f_score(precision, recall):
    """Harmonic mean, 0 where both are 0."""
    total = precision + recall
    return 2.0 * precision * recall / total if total else 0.0


def choose_two(counts):
    """Number of unordered pairs in groups of the given sizes, summed."""
    counts = np.asarray(counts, dtype=np.int64)
    return int((counts * (counts - 1) // 2).sum())


def count_true_pairs(truth):
    """All unordered record pairs that share a truth cluster."""
    return choose_two(pd.Series(truth).value_counts().to_numpy())


def count_true_cross_pairs(truth_left, truth_right):
    """All (left record, right record) pairs that share a truth cluster."""
    left = pd.Series(truth_left).value_counts()
    right = pd.Series(truth_right).value_counts()
    return int(left.mul(right, fill_value=0).sum())


def label_pairs(left, right, score, truth):
    """Distinct unordered pairs with their best score and whether they are true.

    Returns (score, is_true) as arrays, sorted by falling score.
    """
    truth = pd.Series(truth)
    if not truth.index.is_unique:
        raise ValueError("a record has more than one truth entry")
    a, b = truth.index.get_indexer(left), truth.index.get_indexer(right)
    if (a < 0).any() or (b < 0).any():
        raise ValueError("a pair names a record without truth")
    score = np.asarray(score, dtype=np.float64)
    if np.isnan(score).any():
        raise ValueError("a score is not a number")
    key = np.minimum(a, b).astype(np.int64) * len(truth) + np.maximum(a, b)
    order = np.lexsort((-score, key))
    order = order[a[order] != b[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = key[order][1:] != key[order][:-1]
    keep = order[first]
    keep = keep[np.argsort(-score[keep], kind="stable")]
    codes = pd.factorize(truth.to_numpy())[0]
    return score[keep], codes[a[keep]] == codes[b[keep]]


def curve(score, is_true, true_pairs):
    """One row for each distinct threshold t (pairs with score >= t are links).

    `score` must fall. Columns: threshold, links, hits, precision, recall, f1.
    """
    if len(score) == 0:
        columns = ["threshold", "links", "hits", "precision", "recall", "f1"]
        return pd.DataFrame(columns=columns, dtype=float)
    last = np.ones(len(score), dtype=bool)
    last[:-1] = score[1:] != score[:-1]
    links = np.flatnonzero(last) + 1
    hits = np.cumsum(is_true)[last]
    return pd.DataFrame({
        "threshold": score[last],
        "links": links,
        "hits": hits,
        "precision": hits / links,
        "recall": hits / true_pairs if true_pairs else np.zeros(len(links)),
        "f1": 2.0 * hits / (links + true_pairs),
    })


def best_pair_f1(left, right, score, truth, true_pairs=None):
    """Best F1 over all thresholds, with its threshold, precision, recall.

    `truth` maps id -> cluster. `true_pairs` is by default the number of pairs
    within the truth clusters, so pairs never scored count as misses. The
    highest threshold wins a tie.
    """
    if true_pairs is None:
        true_pairs = count_true_pairs(truth)
    table = curve(*label_pairs(left, right, score, truth), true_pairs)
    if table.empty:
        return {"f1": 0.0, "precision": 0.0, "recall": 0.0, "threshold": None,
                "links": 0, "hits": 0, "true_pairs": true_pairs}
    row = table.loc[table["f1"].idxmax()]
    return as_figures(row, true_pairs)


def pair_f1_at(left, right, score, truth, threshold, true_pairs=None):
    """F1, precision, recall of the pairs with score >= threshold."""
    if true_pairs is None:
        true_pairs = count_true_pairs(truth)
    score, is_true = label_pairs(left, right, score, truth)
    links = int((score >= threshold).sum())
    hits = int(is_true[score >= threshold].sum())
    precision = hits / links if links else 0.0
    recall = hits / true_pairs if true_pairs else 0.0
    return {"f1": f_score(precision, recall), "precision": precision, "recall": recall,
            "threshold": float(threshold), "links": links, "hits": hits,
            "true_pairs": true_pairs}


def connected_components(ids, left, right):
    """id -> cluster number: records joined by any chain of the given pairs."""
    ids = pd.Index(ids)
    parent = np.arange(len(ids))
    a, b = ids.get_indexer(left), ids.get_indexer(right)
    while True:
        roots_a, roots_b = parent[a], parent[b]
        low, high = np.minimum(roots_a, roots_b), np.maximum(roots_a, roots_b)
        if (low == high).all():
            return pd.Series(parent, index=ids)
        np.minimum.at(parent, high, low)
        while (parent != parent[parent]).any():
            parent = parent[parent]


def greedy_one_to_one(left, right, score):
    """Positions of the pairs a greedy one-to-one choice keeps, best score first.

    For linking two sets; ties go to the pair that stands first.
    """
    order = np.argsort(-np.asarray(score, dtype=np.float64), kind="stable")
    lefts, rights = pd.factorize(np.asarray(left))[0], pd.factorize(np.asarray(right))[0]
    used_left, used_right, kept = set(), set(), []
    for position in order:
        a, b = lefts[position], rights[position]
        if a not in used_left and b not in used_right:
            used_left.add(a)
            used_right.add(b)
            kept.append(position)
    return np.asarray(kept, dtype=np.int64)


def as_figures(row, true_pairs):
    """A row of `curve` as plain numbers."""
    return {"f1": float(row["f1"]), "precision": float(row["precision"]),
            "recall": float(row["recall"]), "threshold": float(row["threshold"]),
            "links": int(row["links"]), "hits": int(row["hits"]),
            "true_pairs": int(true_pairs)}


def align(found, truth):
    """Found and true cluster codes of every record of `truth`.

    A record missing from `found` is a cluster of its own; a found record
    missing from `truth` is an error.
    """
    found, truth = pd.Series(found), pd.Series(truth)
    if not truth.index.is_unique or not found.index.is_unique:
        raise ValueError("a record stands twice")
    if (truth.index.get_indexer(found.index) < 0).any():
        raise ValueError("a clustered record has no truth")
    codes = pd.factorize(found.reindex(truth.index).to_numpy())[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes, pd.factorize(truth.to_numpy())[0].astype(np.int64)


def overlap_counts(found_codes, true_codes):
    """Per overlap (found cluster, true cluster): its size, and both clusters' sizes."""
    width = int(true_codes.max(initial=0)) + 1
    cells, counts = np.unique(found_codes * width + true_codes, return_counts=True)
    found_sizes = np.bincount(found_codes)[cells // width]
    true_sizes = np.bincount(true_codes)[cells % width]
    return counts, found_sizes, true_sizes


def closed_pairwise(found, truth):
    """Pairwise P/R/F1 after closure: all pairs within a found cluster are links."""
    found_codes, true_codes = align(found, truth)
    links = choose_two(np.bincount(found_codes))
    true_pairs = choose_two(np.bincount(true_codes))
    hits = choose_two(overlap_counts(found_codes, true_codes)[0])
    precision = hits / links if links else 0.0
    recall = hits / true_pairs if true_pairs else 0.0
    return {"f1": f_score(precision, recall), "precision": precision, "recall": recall,
            "links": links, "hits": hits, "true_pairs": true_pairs}


def b_cubed(found, truth):
    """B-cubed P/R/F1: per-record precision and recall, averaged over records."""
    found_codes, true_codes = align(found, truth)
    counts, found_sizes, true_sizes = overlap_counts(found_codes, true_codes)
    squares = counts.astype(np.float64) ** 2
    precision = float((squares / found_sizes).sum() / len(true_codes))
    recall = float((squares / true_sizes).sum() / len(true_codes))
    return {"f1": f_score(precision, recall), "precision": precision, "recall": recall}


def cluster_figures(found, truth):
    """Both cluster measures and the shape of the found clustering."""
    sizes = np.bincount(align(found, truth)[0])
    return {"closed_pairwise": closed_pairwise(found, truth),
            "b_cubed": b_cubed(found, truth),
            "clusters": int(len(sizes)), "largest": int(sizes.max()),
            "singletons": int((sizes == 1).sum())}


# Self-test against brute force.

def brute_pairs(scored, truth, threshold, true_pairs):
    """F1 at a threshold from a plain dictionary of pairs."""
    best = {}
    for a, b, score in scored:
        if a != b:
            key = frozenset((a, b))
            best[key] = max(score, best.get(key, -np.inf))
    links = [pair for pair, score in best.items() if score >= threshold]
    hits = sum(len({truth[record] for record in pair}) == 1 for pair in links)
    return 2.0 * hits / (len(links) + true_pairs) if links else 0.0


def brute_clusters(found, truth):
    """Closed pairwise F1 and B-cubed P and R by going over all record pairs."""
    from itertools import combinations
    ids = list(truth)
    same = [(found[a] == found[b], truth[a] == truth[b]) for a, b in combinations(ids, 2)]
    hits = sum(f and t for f, t in same)
    both = sum(f for f, _ in same) + sum(t for _, t in same)
    precision, recall = [], []
    for record in ids:
        mine = {other for other in ids if found[other] == found[record]}
        real = {other for other in ids if truth[other] == truth[record]}
        precision.append(len(mine & real) / len(mine))
        recall.append(len(mine & real) / len(real))
    return (2.0 * hits / both if both else 0.0), np.mean(precision), np.mean(recall)


def brute_components(ids, left, right):
    """Components by relabelling, one pair at a time."""
    label = {record: record for record in ids}
    for a, b in zip(left, right):
        old, new = label[a], label[b]
        label = {record: new if value == old else value for record, value in label.items()}
    return label


def self_test(rounds=200):
    """Compare every measure with brute force on random small cases."""
    rng = np.random.default_rng(20240501)
    for _ in range(rounds):
        size = int(rng.integers(2, 25))
        ids = [f"r{number}" for number in range(size)]
        truth = dict(zip(ids, rng.integers(0, max(1, size // 3), size)))
        true_pairs = sum(truth[a] == truth[b] for a in ids for b in ids if a < b)
        assert true_pairs == count_true_pairs(truth)
        drawn = int(rng.integers(1, 60))
        left, right = rng.choice(ids, drawn), rng.choice(ids, drawn)
        score = rng.integers(0, 8, drawn) / 8.0
        scored = list(zip(left, right, score))
        by_hand = {t: brute_pairs(scored, truth, t, true_pairs) for t in set(score)}
        best = best_pair_f1(left, right, score, truth)
        assert np.isclose(best["f1"], max(by_hand.values()))
        for threshold, f1 in by_hand.items():
            at = pair_f1_at(left, right, score, truth, threshold)
            assert np.isclose(at["f1"], f1)
        found = {record: f"c{rng.integers(0, max(1, size // 2))}" for record in ids}
        f1, precision, recall = brute_clusters(found, truth)
        assert np.isclose(closed_pairwise(found, truth)["f1"], f1)
        cubed = b_cubed(found, truth)
        assert np.isclose(cubed["precision"], precision)
        assert np.isclose(cubed["recall"], recall)
        part = {record: found[record] for record in ids[: size // 2]}
        whole = {**{record: record for record in ids}, **part}
        assert closed_pairwise(part, truth) == closed_pairwise(whole, truth)
        found = connected_components(ids, left[:6], right[:6])
        by_hand = brute_components(ids, left[:6], right[:6])
        assert len(set(found)) == len(set(by_hand.values()))
        assert b_cubed(found, by_hand)["f1"] == 1.0
        half = size // 2
        lefts, rights = ids[:half], ids[half:]
        cross = sum(truth[a] == truth[b] for a in lefts for b in rights)
        assert cross == count_true_cross_pairs([truth[a] for a in lefts],
                                               [truth[b] for b in rights])
    print(f"metrics: {rounds} random cases agree with brute force")


if __name__ == "__main__":
    self_test()
