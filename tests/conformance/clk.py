"""CLKs against clkhash (the reference implementation, Python), bit for bit; pairs of them against anonlink (C++)."""

import base64
import csv
import io
import json
import random
import string
import tempfile
from pathlib import Path
from pkgutil import get_data

import anonlink
from bitarray import bitarray
from clkhash.bloomfilter import stream_bloom_filters
from clkhash.key_derivation import generate_key_lists
from clkhash.randomnames import NameList
from clkhash.schema import from_json_dict
from clkhash.serialization import deserialize_bitarray, serialize_bitarray

from harness import agree

SECRET = "a secret of these checks, £"
ALPHABETS = [
    string.ascii_uppercase + " '-",
    string.ascii_letters + string.digits + string.punctuation + " ",
    "abcéèüßñøłžÅİıǅﬁ ’",
    "Ελληνικάрусский中文日本語العربية😀𝒳\u0301\u200d\u00a0",
]
DATES = ["%Y-%m-%d", "%d/%m/%Y", "%d%m%y", "%Y%m%d", "%d %b %Y", "%A, %d %B %Y", "%m.%d.%Y %H:%M", "%Y %j", "%I%p %d %m %Y"]


def word(draw, most=14):
    """Text of one alphabet, now and then empty."""
    return "".join(draw.choices(draw.choice(ALPHABETS), k=draw.choice([0, 1, 2, draw.randint(1, most)])))


def whole(draw):
    """A whole number in one of the ways in which Python reads it."""
    number = draw.choice([0, 7, draw.randint(-99, 99), draw.randint(0, 10**9), draw.randint(-(10**17), 10**17)])
    shown = draw.choice([str, str, "{:+d}".format, "{:05d}".format, " {} ".format, "{:_d}".format])(number)
    return draw.choice([shown] * 9 + [shown.translate({48 + digit: 1632 + digit for digit in range(10)})])


def real(draw):
    """A number in one of the ways in which Python reads it."""
    shown = draw.choice(["{:.3f}", "{:.12g}", "{:e}", " {:+.2f}"]).format(draw.choice([draw.uniform(-50, 50), draw.gauss(0, 1e6)]))
    return draw.choice([shown, shown, whole(draw), f"{draw.randint(-40, 40)}.5", f"{draw.randint(0, 9)}.125"])


def date(draw, form):
    """A date of the format, sometimes without the noughts that Python does not ask for."""
    import datetime

    day = datetime.datetime(1000, 1, 1) + datetime.timedelta(days=draw.randint(0, 3_000_000), hours=draw.randint(0, 23))
    if "%y" in form:
        day = day.replace(year=draw.randint(1969, 2068), day=min(day.day, 28))
    text = day.strftime(form)
    if draw.random() < 0.2 and "%d%m" not in form and "%Y%m" not in form and "%j" not in form:
        text = text.replace("/0", "/").replace("-0", "-").replace(" 0", "  " if form.startswith("%A") else " ")
    return draw.choice([text, text, text.upper()])


def feature(draw, number, blake):
    """A feature of version 3 and a function that draws its values."""
    kind = draw.choice(["string", "string", "string", "integer", "date", "enum", "ignored", "number"])
    name = f"feature {number}"
    if kind == "ignored":
        return {"identifier": name, "ignored": True}, lambda: word(draw)
    form = {"type": kind, "description": "invented"}
    comparisons = [{"type": "ngram", "n": draw.randint(1, 4), "positional": draw.random() < 0.5}, {"type": "exact"}]
    distance = draw.choice([1, 5, 0.5, 2.25, 100, 1e3])
    numeric = {"type": "numeric", "thresholdDistance": distance, "resolution": draw.randint(1, 9), "fractional_precision": draw.randint(1, 4)}
    if kind == "number":
        form["type"], values = "string", lambda: draw.choice(["", real(draw), real(draw), real(draw)])
        comparisons = [numeric]
    elif kind == "string":
        values = lambda: word(draw)
        if draw.random() < 0.5:
            form["encoding"] = draw.choice(["utf-8", "utf-16", "utf-32", "ascii"])
        if form.get("encoding") == "ascii":
            values = lambda: "".join(draw.choices(string.printable[:95], k=draw.randint(0, 12)))
    elif kind == "integer":
        values, comparisons = lambda: whole(draw), [*comparisons, numeric]
    elif kind == "date":
        form["format"] = draw.choice(DATES)
        values = lambda: date(draw, form["format"])
    else:
        form["values"] = ["M", "F", "unbekannt", ""]
        values = lambda: draw.choice(form["values"])
    hashing = {"comparison": draw.choice(comparisons), "strategy": draw.choice([{"bitsPerToken": draw.randint(1, 40)}, {"bitsPerFeature": draw.randint(1, 300)}])}
    if not blake:
        hashing["hash"] = {"type": "doubleHash"} | draw.choice([{}, {"prevent_singularity": True}, {"prevent_singularity": False}])
    elif draw.random() < 0.5:
        hashing["hash"] = {"type": "blakeHash"}
    sentinel = draw.choice([None, "", "N/A"])
    if sentinel is not None:
        hashing["missingValue"] = {"sentinel": sentinel} | draw.choice([{}, {"replaceWith": ""}, {"replaceWith": "1850"}])
        numeric_ = hashing["comparison"]["type"] == "numeric"
        if numeric_ and sentinel == "N/A" and "replaceWith" not in hashing["missingValue"]:
            hashing["missingValue"]["replaceWith"] = "-3"
        regular = values
        values = lambda: sentinel if draw.random() < 0.1 else regular()
    return {"identifier": name, "format": form, "hashing": hashing}, values


def linkage(draw):
    """A linkage schema and a function that draws a record."""
    blake = draw.random() < 0.6
    l = draw.choice([1024, 512, 64, 8, 2048] if blake else [1024, 1000, 100, 37, 7, 2])
    kdf = {"type": "HKDF"} | draw.choice([{}, {"hash": "SHA512"}, {"hash": "SHA256"}])
    kdf |= {name: base64.b64encode(draw.randbytes(draw.randint(1, 70))).decode() for name in ("salt", "info") if draw.random() < 0.7}
    if draw.random() < 0.5:
        kdf["keySize"] = draw.randint(1, 64 if blake else 100)
    parts = [feature(draw, number, blake) for number in range(draw.randint(1, 8))]
    config = {"l": l, "kdf": kdf} | draw.choice([{}, {"xor_folds": 0}, {"xor_folds": draw.randint(1, 3)}, {"xorFolds": 2}])
    return {"version": 3, "clkConfig": config, "features": [part for part, _ in parts]}, lambda: [values() for _, values in parts]


def older(draw, version):
    """A linkage schema of an older version and a function that draws a record."""
    names = ["name", "other", "born"]
    features = []
    for name in names:
        hashing = {"ngram": draw.randint(1, 3), "positional": draw.random() < 0.5}
        if version == 1:
            hashing["weight"] = draw.choice([1, 0.5, 1.3, 0, 2])
        else:
            hashing["strategy"] = draw.choice([{"k": 17}, {"numBits": 130}])
            hashing["hash"] = {"type": draw.choice(["blakeHash", "doubleHash"])}
        form = {"type": "date", "format": "%d/%m/%Y"} if name == "born" else {"type": "string", "encoding": "utf-8"}
        features.append({"identifier": name, "format": form, "hashing": hashing})
    config = {"l": 256, "kdf": {"type": "HKDF", "salt": "c2FsdA=="}}
    if version == 1:
        config |= {"k": 25, "hash": {"type": "doubleHash", "prevent_singularity": True}, "xorFolds": 0}
    return {"version": version, "clkConfig": config, "features": features}, lambda: [word(draw), word(draw), date(draw, "%d/%m/%Y")]


def reference(schema, records):
    """CLKs as clkhash makes them, in base64."""
    read = from_json_dict(schema)
    keys = generate_key_lists(
        SECRET, len(read.fields), key_size=read.kdf_key_size, salt=read.kdf_salt, info=read.kdf_info, kdf=read.kdf_type, hash_algo=read.kdf_hash
    )
    return [serialize_bitarray(found[0]) for found in stream_bloom_filters(records, keys, read)]


def encode(svp, folder, schema, records):
    """CLKs as svp makes them, in base64."""
    at = {name: Path(folder) / name for name in ("schema.json", "secret", "data.csv", "clks.json")}
    at["schema.json"].write_text(json.dumps(schema), encoding="utf-8")
    at["secret"].write_text(SECRET, encoding="utf-8")
    # All quoted: a record of one empty value would be a blank line, which readers of CSV skip.
    table = io.StringIO()
    csv.writer(table, quoting=csv.QUOTE_ALL).writerows([[part["identifier"] for part in schema["features"]], *records])
    at["data.csv"].write_bytes(table.getvalue().encode())
    svp._run("clk", "encode", "--schema", at["schema.json"], "--secret-file", at["secret"], "--in", at["data.csv"], "--out", at["clks.json"])
    return json.loads(at["clks.json"].read_text(encoding="utf-8"))["clks"]


def against(svp, schemas, count):
    """Records of several schemas, encoded by both."""
    done = 0
    with tempfile.TemporaryDirectory(prefix="svp-clk-") as folder:
        for number, (schema, record) in enumerate(schemas):
            records = [record() for _ in range(count)]
            found = encode(svp, folder, schema, records)
            cases = [(number, json.dumps(schema), values) for values in records]
            done += agree(cases, reference(schema, records), found)
    return done


def random_schemas(svp, count):
    """Schemas of version 3 drawn at random."""
    draw = random.Random(1)
    schemas = [linkage(draw) for _ in range(60)]
    return f"{against(svp, schemas, max(1, count // 200))} records of {len(schemas)} linkage schemas, bit for bit"


def old_schemas(svp, count):
    """Schemas of versions 1 and 2."""
    draw = random.Random(2)
    schemas = [older(draw, version) for version in (1, 2) for _ in range(6)]
    return f"{against(svp, schemas, max(1, count // 200))} records of {len(schemas)} linkage schemas, bit for bit"


def people(count, seed):
    """clkhash's own invented people, in which the last half are the first with a letter changed."""
    random.seed(seed)
    one = NameList(count).names
    other = [(number, name[:-1] + random.choice("aeiou"), *rest) for number, name, *rest in one[: count // 2]]
    return [[str(value) for value in record] for record in [*one[count // 2 :], *other]]


def own_schemas(svp, count):
    """The linkage schemas that clkhash brings, on its own people."""
    schemas = [json.loads(get_data("clkhash", f"data/randomnames-schema{which}.json")) for which in ("", "-v2")]
    records = people(count, 3)
    return f"{sum(against(svp, [(schema, iter(records).__next__)], len(records)) for schema in schemas)} records, bit for bit"


def pairs(svp, count):
    """Pairs at several thresholds, and one to one, against anonlink."""
    schema = json.loads(get_data("clkhash", "data/randomnames-schema.json"))
    sets = [reference(schema, people(min(count, 2000), seed)) for seed in (4, 4, 5)]
    left, right = sets[0], sets[1][::-1][: len(sets[1]) // 2] + sets[2]
    bits = [[deserialize_bitarray(text) for text in clks] for clks in (left, right)]
    bits[0].append(bitarray(1024))
    bits[0][-1].setall(0)
    bits[1].append(bits[0][-1])
    said = []
    with tempfile.TemporaryDirectory(prefix="svp-clk-") as folder:
        files = [Path(folder) / name for name in ("left.json", "right.json")]
        for file, clks in zip(files, bits):
            file.write_text(json.dumps({"clks": [serialize_bitarray(clk) for clk in clks]}), encoding="utf-8")
        out = Path(folder) / "pairs.csv"
        for threshold in (1.0, 0.95, 0.9, 0.8, 0.75, 0.7):
            candidates = anonlink.candidate_generation.find_candidate_pairs(bits, anonlink.similarities.dice_coefficient_accelerated, threshold)
            expected = list(zip(candidates[2][0], candidates[2][1], candidates[0]))
            solved = set(anonlink.solving.pairs_from_groups(anonlink.solving.greedy_solve(candidates)))
            for words, wanted in ((), expected), (("--one-to-one",), [line for line in expected if line[:2] in solved]):
                svp._run("clk", "compare", *files, "--threshold", threshold, *words, "--out", out)
                with open(out, encoding="utf-8", newline="") as table:
                    found = [(int(row["left"]), int(row["right"]), float(row["dice"])) for row in csv.DictReader(table)]
                agree(sorted(wanted), sorted(wanted), sorted(found))
                said.append(len(wanted))
    return f"{'/'.join(map(str, said))} pairs at 1, 0.95, 0.9, 0.8, 0.75, 0.7, all and one to one, coefficients to the last bit"


def checks(suite, svp, count):
    """All of them."""
    suite.check("clk, random schemas, against clkhash", random_schemas, svp, count)
    suite.check("clk, schemas of versions 1 and 2, against clkhash", old_schemas, svp, count)
    suite.check("clk, clkhash's own schemas and people", own_schemas, svp, count)
    suite.check("clk pairs against anonlink", pairs, svp, count)
