"""CLKs and Dice pairs: svp beside clkhash and anonlink, one process and one thread on every side, alternating.

Usage: clk.py CLK_BENCH DICE_BENCH [--records 20000] [--rounds 5] [--thresholds 0.95,0.9,0.8,0.7]

The two programs are the examples `clk_bench` and `dice_bench` of svp-clk, built for release. The people are
clkhash's own invention (clkhash.randomnames); half of the right set are people of the left one with a letter changed. Every
round begins without memory: clkhash's caches are cleared, and svp makes a new encoder. clkhash is measured at
`stream_bloom_filters` (its command spreads over processes), anonlink at `dice_coefficient_accelerated`; files and start are
counted on no side. CLKs must be equal bit for bit, and pairs equal in number, order and the last bit of their coefficients.
"""

import argparse
import csv
import json
import random
import struct
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from pkgutil import get_data
from statistics import median

import numpy
from anonlink.similarities import dice_coefficient_accelerated
from bitarray import bitarray
from clkhash import bloomfilter
from clkhash.key_derivation import generate_key_lists
from clkhash.randomnames import NameList
from clkhash.schema import from_json_dict
from clkhash.serialization import serialize_bitarray

from measure import run
from report import table

SECRET = b"a secret of this benchmark"
SCHEMAS = {"blakeHash": "-v2", "doubleHash": ""}
PAIR = numpy.dtype([("left", "<u4"), ("right", "<u4"), ("dice", "<f8")])


def people(count):
    """Two sets of records."""
    random.seed(20250407)
    names = NameList(count + count // 2).names
    left, rest = names[:count], names[count:]
    twins = [(number, name[:-1] + random.choice("aeiou"), *more) for number, name, *more in left[: count - len(rest)]]
    return [[[str(value) for value in record] for record in records] for records in (left, rest + twins)]


def clock(function, *words):
    """What a function returns, its seconds by the wall clock and on the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = function(*words)
    return found, (time.perf_counter() - wall, time.process_time() - cpu)


def clkhash(schema, records):
    """Encodes without memory of earlier rounds."""
    for cached in (bloomfilter._double_hash_encode_ngrams, bloomfilter._double_hash_token, bloomfilter._double_hash_token_non_singular,
                   bloomfilter._blake_encode_ngrams, bloomfilter.blake_hash_token):  # fmt: skip
        cached.cache_clear()
    keys = generate_key_lists(
        SECRET, len(schema.fields), key_size=schema.kdf_key_size, salt=schema.kdf_salt, info=schema.kdf_info, kdf=schema.kdf_type,
        hash_algo=schema.kdf_hash,
    )  # fmt: skip
    return clock(lambda: [found[0] for found in bloomfilter.stream_bloom_filters(records, keys, schema)])


def line(job, work, unit, peer, ours):
    """A line of the table: rates by the wall clock, and the ratios of the medians by both clocks."""
    def rate(times):
        seconds = [wall for wall, _ in times]
        return f"{work / median(seconds) / unit:,.3g} ({work / max(seconds) / unit:,.3g}–{work / min(seconds) / unit:,.3g})"

    wall, cpu = (median(time[which] for time in peer) / median(time[which] for time in ours) for which in (0, 1))
    return [job, rate(peer), rate(ours), f"{wall:.1f}", f"{cpu:.1f}"]


def encoding(program, folder, records, rounds):
    """Both hashes; the CLKs of the first, and the lines of the table."""
    first, lines = None, []
    (folder / "secret").write_bytes(SECRET)
    for name, which in SCHEMAS.items():
        text = get_data("clkhash", f"data/randomnames-schema{which}.json")
        (folder / "schema.json").write_bytes(text)
        schema = from_json_dict(json.loads(text))
        with open(folder / "data.csv", "w", encoding="utf-8", newline="") as data:
            csv.writer(data).writerows([[field.identifier for field in schema.fields], *records])
        words = [program, *(folder / file for file in ("schema.json", "secret", "data.csv", "clks.json")), 1]
        peer, ours = [], []
        for turn in range(rounds + 1):
            found, times = clkhash(schema, records)
            said = run(words).json()
            print(f"  {name} {turn or 'warm'}: clkhash {times[0]:.3f} s, svp {said['seconds'][0]:.4f} s", file=sys.stderr)
            if turn:
                peer.append(times)
                ours.append((said["seconds"][0], said["cpu"][0]))
        if json.loads((folder / "clks.json").read_text()) != {"clks": [serialize_bitarray(clk) for clk in found]}:
            sys.exit(f"clk: {name}: the CLKs differ")
        first = first or found
        lines.append(line(f"encode, {name} (thousand records/s)", len(records), 1e3, peer, ours))
    return first, lines


def encoded(records):
    """CLKs for a search."""
    return clkhash(from_json_dict(json.loads(get_data("clkhash", "data/randomnames-schema-v2.json"))), records)[0]


def store(path, clks):
    """The file that the example reads."""
    path.write_bytes(struct.pack("<II", len(clks), len(clks[0].tobytes())) + b"".join(clk.tobytes() for clk in clks))


def pairs(program, folder, sets, rounds, thresholds):
    """All thresholds; the lines of the table."""
    files, lines = [folder / "left.bin", folder / "right.bin"], []
    for file, clks in zip(files, sets):
        store(file, clks)
    for threshold in thresholds:
        peer, ours = [], []
        for turn in range(rounds + 1):
            (scores, (left, right)), times = clock(dice_coefficient_accelerated, sets, threshold)
            said = run([program, *files, threshold, *([] if turn else ["--pairs", folder / "pairs.bin"])]).json()
            print(f"  {threshold} {turn or 'warm'}: anonlink {times[0]:.3f} s, svp {said['seconds']:.4f} s", file=sys.stderr)
            if turn:
                peer.append(times)
                ours.append((said["seconds"], said["cpu"]))
        found = numpy.fromfile(folder / "pairs.bin", dtype=PAIR)
        if not all(numpy.array_equal(numpy.asarray(one), other) for one, other in zip((left, right, scores), (found[name] for name in PAIR.names))):
            sys.exit(f"clk: the pairs at {threshold} differ")
        lines.append(line(f"Dice at {threshold}, {len(found):,} pairs (million/s)", len(sets[0]) * len(sets[1]), 1e6, peer, ours))
    return lines


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clk_bench")
    parser.add_argument("dice_bench")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--thresholds", default="0.95,0.9,0.8,0.7")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="svp-clk-") as folder:
        folder = Path(folder)
        left, right = people(args.records)
        clks, lines = encoding(args.clk_bench, folder, left, args.rounds)
        sets = ([bitarray(clk) for clk in clks], encoded(right))
        lines += pairs(args.dice_bench, folder, sets, args.rounds, [float(word) for word in args.thresholds.split(",")])
    versions = ", ".join(f"{name} {version(name)}" for name in ("clkhash", "anonlink"))
    print(f"{args.records:,} by {args.records:,} records, {args.rounds} rounds after one that is not counted, {versions}; everything equal.\n")
    print(table(["", "Python", "svp", "times as fast", "by processor time"], lines))


if __name__ == "__main__":
    main()
