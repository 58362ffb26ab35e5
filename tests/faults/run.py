"""Mutation test of the intake: damages clean extracts, delivers them to the real binary, and compares every figure with the truth.

Usage: run.py [--each 10] [--seed 1] [--sample N] [--kinds TEXT,TEXT] [--svp PATH] [--report PATH] [--keep DIR] [--parallel 2] [--list]

Verdicts: right (every figure equals the truth of what was delivered), refused (the run stopped and nothing wrong was published), told
(a figure differs, and a finding names the file), SILENT (a figure differs and nothing was said), broken (a defect: the run ended in
a way that is neither). Ends with 1 where anything was silent or broken, a control was not right or not without a word, or more than a
tenth of the harmless changes was refused.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import mutations  # noqa: F401 (enters the kinds)
from deliveries_site import PUBLISHED, ROOT, Site, shared

VERDICTS = ("right", "refused", "told", "SILENT", "broken")
# An encoded file that is damaged or was made under other terms has an exit code of its own.
REFUSED = (4, 11)
MOST_REFUSED = 0.1
# These say that nothing of worth was lost: what lies beside or between the records, what was mended, what is older. Where one of them
# is all that is said, a wrong figure is a silent one.
INCIDENTAL = frozenset({"not_read", "odd_lines", "passed_over", "older_delivery", "unaccounted", "missing_words", "repaired_ids"})


def binary(named):
    """The binary to test: the one that is named, else SVP_BIN, else the dev build."""
    path = Path(named or os.environ.get("SVP_BIN") or ROOT / "target" / "debug" / "svp").resolve()
    if not path.exists():
        sys.exit(f"faults: there is no binary {path}: run `cargo build --workspace`, or name one with --svp")
    return path


def differences(expected, found):
    """Figures that differ: key, expected, found."""
    keys = sorted(set(expected) | set(found), key=str)
    return [(key, expected.get(key, 0), found.get(key, 0)) for key in keys if expected.get(key, 0) != found.get(key, 0)]


def speaks(finding, kind, delivery):
    """Whether a finding names a damaged file and a kind that speaks of wrong figures."""
    if kind.tells and finding["kind"] not in kind.tells:
        return False
    words = " ".join(str(finding.get(part, "")) for part in ("what", "column", "table"))
    if not kind.tells and finding["kind"] in INCIDENTAL and not any(word in words for word in delivery.named):
        return False
    named = {name.removesuffix(".gz") for name in delivery.damaged}
    if any(name in finding["what"] for name in named):
        return True
    file = finding.get("file", "").removesuffix(".gz")
    # A label stands for the name of a file, in all but what the terminal shows.
    if file and not file.startswith("file-"):
        return file in named
    slot = finding.get("slot", "").split("@")[0]
    if slot:
        return any(slot in name for name in named)
    return kind.whole_source and finding.get("source") == delivery.source


def judge(kind, number, seed, common, folder, svp, key):
    """One case: makes it, runs it, compares; the entry for the report."""
    delivery, _ = cases.make(kind, number, seed)
    case = Path(folder) / f"{kind.name}-{number}"
    site = Site(case, common, svp, key, delivery)
    entry = {"kind": kind.name, "number": number, "seed": seed, "expect": kind.expect, "source": delivery.source, "second": delivery.second,
             "months": [delivery.months[0], delivery.months[-1]], "record": delivery.record}  # fmt: skip
    try:
        for stage, files in enumerate(delivery.stages, 1):
            run = site.run(stage, files)
            earlier = entry.setdefault("earlier", [])
            if run.code:
                break
            earlier.append(run.findings)
        spoken = [finding for finding in run.findings if speaks(finding, kind, delivery)]
        entry |= {"stage": stage, "exit": run.code, "findings": run.findings, "said": run.said[-4:]}
        if run.code in REFUSED:
            entry["verdict"] = "refused"
            entry["names"] = any(names(run, name.removesuffix(".gz")) for name in delivery.damaged)
            if delivery.keeps and stage > 1:
                lost = differences(*_figures(delivery, site))
                entry["wrong"] = [[list(map(str, figure)), right, given] for figure, right, given in lost]
                entry["verdict"] = "broken" if lost else "refused"
        elif run.code:
            entry["verdict"] = "broken"
        else:
            wrong = differences(*_figures(delivery, site))
            entry["wrong"] = [[list(map(str, figure)), right, given] for figure, right, given in wrong]
            must_tell = bool(wrong) or delivery.must_tell
            entry["verdict"] = "right" if not must_tell else "told" if spoken else "SILENT"
        if stage < len(delivery.stages):
            entry["early"] = True
    except Exception:  # noqa: BLE001 (a case that breaks is a case that fails)
        entry |= {"verdict": "broken", "said": [traceback.format_exc()]}
    entry["failed"] = _failed(entry)
    return entry


def _figures(delivery, site):
    expected, published = delivery.expected(), site.published()
    if delivery.only_published:
        return {key: count for key, count in expected.items() if key[0] in PUBLISHED}, published
    return expected, site.canonical() | published


def _failed(entry):
    verdict = entry["verdict"]
    if entry["expect"] == "control":
        return verdict != "right" or bool(entry.get("findings"))
    return verdict in ("SILENT", "broken")


def names(run, file):
    """Whether what a run says names a file: in its words, or by the slot that its name holds (logs for machines have no names)."""
    slots = [str(finding.get("slot", "")).split("@")[0] for finding in run.findings]
    return file in " ".join([str(run.findings), *run.said]) or any(slot and slot in file for slot in slots)


def choose(kinds, each, sample, seed):
    """The cases to run: each kind `each` times, or a sample that holds every kind in turn."""
    every = [(kind, number) for number in range(each) for kind in kinds]
    if not sample:
        return every
    order = random.Random(f"{seed}:order")
    first = order.sample(kinds, len(kinds))
    spread = [(kind, order.randrange(each)) for kind in first]
    rest = [case for case in every if case not in spread]
    order.shuffle(rest)
    return (spread + rest)[:sample]


def table(entries):
    """The summary by kind."""
    counts, expects = defaultdict(Counter), {}
    for entry in entries:
        counts[entry["kind"]][entry["verdict"]] += 1
        expects[entry["kind"]] = entry["expect"]
    width = max(len(name) for name in counts)
    lines = [f"{'kind':{width}}  {'':9}" + "".join(f"{name:>9}" for name in VERDICTS)]
    for name in sorted(counts, key=lambda name: (["control", "harmless", "damage"].index(expects[name]), name)):
        lines.append(f"{name:{width}}  {expects[name]:9}" + "".join(f"{counts[name][verdict] or '.':>9}" for verdict in VERDICTS))
    total = Counter(entry["verdict"] for entry in entries)
    lines.append(f"{'all':{width}}  {'':9}" + "".join(f"{total[verdict]:>9}" for verdict in VERDICTS))
    return "\n".join(lines)


def sentence(entry):
    """What is wrong with a case."""
    figure = "; ".join(f"{' '.join(key)} is {given}, right is {right}" for key, right, given in entry.get("wrong", [])[:3])
    found = ", ".join(sorted({finding["kind"] for finding in entry.get("findings", [])}))
    why = figure or (f"findings {found}" if found else "") or " ".join(entry.get("said", []))[-400:] or "nothing was said of it"
    return f"{entry['verdict']}: {entry['kind']} {entry['number']} ({entry['source']}; {'; '.join(entry['record'])}): {why}"


def refusals(entries):
    """A sentence where too many harmless changes were refused."""
    harmless = [entry for entry in entries if entry["expect"] == "harmless"]
    refused = Counter(entry["kind"] for entry in harmless if entry["verdict"] == "refused")
    if sum(refused.values()) <= MOST_REFUSED * len(harmless):
        return []
    return [f"{sum(refused.values())} of {len(harmless)} harmless changes were refused: {dict(refused)}"]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=10, help="cases of a kind")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other rows, sizes, months and sources")
    parser.add_argument("--sample", type=int, help="run so many cases only, spread over the kinds")
    parser.add_argument("--kinds", help="only kinds whose name holds one of these texts, parted by commas")
    parser.add_argument("--number", type=int, help="only this case of each kind")
    parser.add_argument("--svp", help="the binary (else SVP_BIN, else target/debug/svp)")
    parser.add_argument("--report", type=Path, help="write every case there, as JSON")
    parser.add_argument("--keep", type=Path, help="keep sites and lakes in this folder")
    parser.add_argument("--parallel", type=int, default=2, help="runs at a time")
    parser.add_argument("--seconds", type=float, help="start no case after so many seconds")
    parser.add_argument("--list", action="store_true", help="list the kinds and stop")
    args = parser.parse_args()
    words = args.kinds.split(",") if args.kinds else [""]
    kinds = [kind for name, kind in cases.KINDS.items() if any(word in name for word in words)]
    if args.list:
        for kind in kinds:
            print(f"{kind.name:28} {kind.expect:9} {kind.act.__doc__.splitlines()[0]}")
        return 0
    svp = binary(args.svp)
    chosen = choose(kinds, args.each, args.sample, args.seed)
    if args.number is not None:
        chosen = [(kind, args.number) for kind in kinds]
    print(f"{svp.name}: {len(chosen)} deliveries of {len(kinds)} kinds, seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="svp-faults-") as temporary:
        entries = drive(args, svp, chosen, args.keep or Path(temporary), Path(temporary))
    print(table(entries))
    wrong = [sentence(entry) for entry in entries if entry["failed"]] + refusals(entries)
    print(*refusals(entries), sep="\n")
    if args.report:
        args.report.parent.mkdir(parents=True, exist_ok=True)
        args.report.write_text(json.dumps({"seed": args.seed, "cases": entries}, indent=1, default=str), encoding="utf-8")
    unnamed = Counter(entry["kind"] for entry in entries if entry.get("names") is False)
    if unnamed:
        print(f"{sum(unnamed.values())} refusals name no damaged file: {dict(unnamed)}")
    silent = sum(entry["verdict"] == "SILENT" for entry in entries)
    print(f"{len(entries)} deliveries, {silent} silent and wrong, {len(wrong)} failures")
    return 1 if wrong else 0


def drive(args, svp, chosen, folder, temporary):
    """Runs the cases, so many at a time."""
    key, common = temporary / "faults.key", shared(temporary / "shared")
    subprocess.run([svp, "--quiet", "key", "new", "--out", key, "--purpose", "faults"], check=True, capture_output=True)
    started, entries = time.monotonic(), []

    def one(case):
        if args.seconds and time.monotonic() - started > args.seconds:
            return None
        kind, number = case
        entry = judge(kind, number, args.seed, common, folder, svp, key)
        if not args.keep:
            shutil.rmtree(folder / f"{kind.name}-{number}", ignore_errors=True)
        return entry

    with ThreadPoolExecutor(args.parallel) as pool:
        for entry in pool.map(one, chosen):
            if entry:
                entries.append(entry)
                if entry["failed"]:
                    print(sentence(entry), flush=True)
                if len(entries) % 50 == 0:
                    print(f"{len(entries)} of {len(chosen)}", flush=True)
    if len(entries) < len(chosen):
        print(f"{len(chosen) - len(entries)} deliveries were left out: the time was over")
    return entries


if __name__ == "__main__":
    sys.exit(main())
