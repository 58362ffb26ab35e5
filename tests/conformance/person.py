"""NHS numbers against the text of the NHS data dictionary, and against the package `nhs-number`."""

import random

import nhs_number

from harness import agree

# One figure ten times has a word of its own.
SENTINELS = {"1234567890", "0123456789"}


def status(text):
    """The verdict by the words of the rule, digit by digit."""
    digits = text.replace(" ", "").replace("-", "")
    if digits == "":
        return "missing"
    if len(digits) != 10 or not digits.isdigit():
        return "length"
    if digits in SENTINELS:
        return "sentinel"
    if len(set(digits)) == 1:
        return "repeated_digit"
    total = 0
    for position in range(9):
        total += int(digits[position]) * (10 - position)
    check = 11 - total % 11
    if check == 11:
        check = 0
    return "valid" if check != 10 and check == int(digits[9]) else "check_digit"


def texts(count, seed):
    """Digit strings: half with the check digit that fits, some mistyped, some of another length, written in several ways."""
    draw = random.Random(seed)
    out = [*SENTINELS, *(str(digit) * 10 for digit in range(10)), "", "   ", "943476591X", "NHS", "943-476-5919"]
    while len(out) < count:
        stem = "".join(draw.choices("0123456789", k=9))
        fitting = next((stem + digit for digit in "0123456789" if status(stem + digit) == "valid"), stem + "0")
        digits = draw.choice([
            fitting, fitting, fitting, stem + draw.choice("0123456789"), fitting[1] + fitting[0] + fitting[2:],
            fitting[:9], fitting + "0", fitting.replace("0", "O", 1), str(draw.randrange(10)) * 9 + str(draw.randrange(10)),
        ])
        out.append(draw.choice([digits, f"{digits[:3]} {digits[3:6]} {digits[6:]}", f"{digits[:3]}-{digits[3:6]}-{digits[6:]}", f" {digits} "]))
    return out


def reference(svp, count):
    """nhs_number and nhs_number_status against the rule."""
    cases = [(text,) for text in texts(count, 21)]
    rows = svp.over(["t"], cases, "nhs_number(t) AS n, nhs_number_status(t) AS s")
    expected = []
    for (text,) in cases:
        verdict = status(text)
        expected.append((text.replace(" ", "").replace("-", "") if verdict == "valid" else "", verdict))
    done = agree(cases, expected, [(row["n"], row["s"]) for row in rows])
    kinds = {verdict: sum(found == verdict for _, found in expected) for verdict in sorted({verdict for _, verdict in expected})}
    return f"{done} texts: " + ", ".join(f"{number} {verdict}" for verdict, number in kinds.items())


def package(svp, count):
    """The package judges the check digit alone, and Scottish numbers by their date too: those are left out."""
    scottish = nhs_number.REGION_SCOTLAND

    def comparable(text):
        digits = text.replace(" ", "").replace("-", "")
        return status(text) in ("valid", "check_digit", "length") and not (
            len(digits) == 10 and digits.isdigit() and scottish.contains_number(digits))

    cases = [(text,) for text in texts(count, 22) if comparable(text)]
    expected = [nhs_number.is_valid(text) for (text,) in cases]
    found = [row["n"] != "" for row in svp.over(["t"], cases, "nhs_number(t) AS n")]
    return f"{agree(cases, expected, found)} texts, {sum(expected)} of them valid"


def checks(suite, svp, count):
    """All of them."""
    suite.check("person: NHS numbers, the rule", reference, svp, count)
    suite.check("person: NHS numbers, nhs-number", package, svp, count)
