"""The figures of a delivery, counted from its rows as `truth` reads them: published tables, and canonical counts."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import ground
import truth
from truth import age, band, code, day, moment

PARTS = ("victim", "patient", "suspect")


@dataclass
class Part:
    """One extract as a careful reader takes it: rows (or the tree of an XML return), and the table of the return."""

    source: str
    rows: object
    table: str = ""


def figures(parts, months, known):
    """Counts by table and member.

    `parts` stand in the order of knowledge: a later one replaces the records of an earlier one that it repeats. `months` are the
    months of the release, `known` those of which there is an extract; the others are not known.
    """
    out = Counter()
    by_source = defaultdict(list)
    for part in parts:
        by_source[part.source].append(part)
    for source, its in by_source.items():
        if source in truth.EVENT_SOURCES:
            _events(out, source, _current(source, its), months)
        elif source == "cin_census":
            _census(out, its)
        else:
            _looked_after(out, its)
    made = {key: count for key, count in out.items() if count}
    if any(source in truth.EVENT_SOURCES for source in by_source):
        for month in months:
            made[("monthly_trend", month)] = out[("monthly_trend", month)] if month in known else None
    return made


def _current(source, parts):
    """Rows by record, the latest knowledge of each."""
    current = {}
    for number, part in enumerate(parts):
        found = defaultdict(list)
        for at, row in enumerate(part.rows):
            names = list(row)
            record = truth.record_of(source, names, list(row.values()), (number, at))
            found[(number, at) if record == (number, at) else record].append(row)
        current.update(found)
    return current


def _events(out, source, records, months):
    people = set()
    for rows in records.values():
        event = truth.EVENT[source](rows[0])
        out[("events", source)] += 1
        if event["code"]:
            out[("code", source, event["code"])] += 1
        if event["outcome"] and source in ("police_street", "police_stop_search"):
            out[("outcome", source)] += 1
        if event["point"]:
            out[("point", source)] += 1
        released = event["month"] in months
        if released:
            out[("monthly_trend", event["month"])] += 1
            out[("by_district", event["district"] or "unknown")] += 1
            out[("time_coverage", source, event["precision"])] += 1
            out[("place_types", source, event["kind"] or "not recorded")] += 1
        for party in {tuple(PARTIES[source](row).items()) for row in rows if PARTIES[source](row)}:
            party = dict(party)
            people.add(party["person"])
            out[("parties", source, party["role"])] += 1
            out[("ethnic", source, party["ethnic"] or "none")] += 1
            if party["home"]:
                out[("home", source)] += 1
            if released and party["role"] in PARTS:
                out[("people_by_age_and_sex", party["role"], party["band"], party["sex"] or "unknown")] += 1
    rows = [row for found in records.values() for row in found]
    if source in IDENTIFIERS:
        persons, others = IDENTIFIERS[source](rows)
        out[("persons", source)] = len(persons - {""})
        for name, values in others.items():
            out[(name, source)] = len(values - {"", None})


def _no_party(_row):
    return None


def _searched(row):
    if row["Type"] == "Vehicle search":
        return None
    source, said = "police_stop_search", row["Self-defined ethnicity"] or row["Officer-defined ethnicity"]
    return {
        "party": id(row),
        "person": None,
        "role": "subject",
        "band": code(source, "age", row["Age range"]) or "not known",
        "sex": code(source, "sex", row["Gender"]),
        "ethnic": code(source, "ethnic", said),
        "home": None,
    }


def _nominal(row):
    if not row["Nominal Ref"]:
        return None
    source, born = "police_rms", day(row["Date Of Birth"], "%d/%m/%Y")
    start = moment(row["Committed From"], truth.RMS)
    years = age(born, start.date() if start else None)
    if years is None and row["Age"].isdigit():
        years = int(row["Age"]) if int(row["Age"]) <= 120 else None
    return {
        "party": (row["Nominal Ref"], row["Role"]),
        "person": row["Nominal Ref"],
        "role": code(source, "role", row["Role"]),
        "band": band(years),
        "sex": code(source, "sex", row["Sex"]),
        "ethnic": code(source, "ethnic", row["SDE"]),
        "home": ground.lsoa_of_postcode().get(postcode(row["Person Postcode"])),
    }


def _patient(row):
    source, born = "ecds", day(row["Person_Birth_Date"], "%Y-%m-%d")
    text = row["Age_At_Arrival"]
    years = int(text) if text.isdigit() and int(text) <= 120 else age(born, day(row["Arrival_Date"], "%Y-%m-%d"))
    return {
        "party": row["EC_Ident"],
        "person": row["EC_Ident"],
        "role": "patient",
        "band": band(years),
        "sex": code(source, "sex", row["Sex"]),
        "ethnic": code(source, "ethnic", row["Ethnic_Category"]),
        "home": row["Der_Postcode_LSOA_Code"] or ground.lsoa_of_postcode().get(postcode(row["Postcode"])),
    }


PARTIES = {
    "police_street": _no_party,
    "istv": _no_party,
    "police_stop_search": _searched,
    "police_rms": _nominal,
    "ecds": _patient,
}


def nhs_number(text):
    """Whether a number is a valid NHS number: ten digits, check digit by modulus 11, no dummy."""
    digits = text.replace(" ", "").replace("-", "")
    if len(digits) != 10 or not digits.isdigit() or len(set(digits)) == 1 or digits in ("1234567890", "0123456789"):
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1))) % 11
    return (0 if check == 11 else check) == int(digits[9])


def postcode(text):
    """A postcode in capitals with one space; empty for what has not the form of one, and for pseudo postcodes."""
    letters = re.sub(r"\s", "", text).upper()
    fits = re.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}", letters) and not letters.startswith("ZZ99")
    return f"{letters[:-3]} {letters[-3:]}" if fits else ""


def _born(text, form):
    made = day(text, form)
    return None if made in truth.NO_BIRTH_DATE else made


def _of_rms(rows):
    rows = [row for row in rows if row["Nominal Ref"]]
    persons = {row["Nominal Ref"] for row in rows}
    return persons, {
        "born": {_born(row["Date Of Birth"], "%d/%m/%Y") for row in rows},
        "postcodes": {postcode(row["Person Postcode"]) for row in rows},
    }


def _of_ecds(rows):
    return {row["EC_Ident"] for row in rows}, {
        "born": {_born(row["Person_Birth_Date"], "%Y-%m-%d") for row in rows},
        "postcodes": {postcode(row["Postcode"]) for row in rows},
        "nhs": {row["NHS_Number"] for row in rows if nhs_number(row["NHS_Number"])},
    }


IDENTIFIERS = {"police_rms": _of_rms, "ecds": _of_ecds}


# ---------------------------------------------------------------- children's services


def _spans(out, source, spans):
    for (kind, *_), span in spans.items():
        years = age(span["born"], span["started"])
        out[("episodes_by_kind", kind, band(years if years is None or years <= 26 else None), span["sex"] or "unknown")] += 1
        out[("episodes", source, kind)] += 1
        if span["ended"]:
            out[("ended", source, kind)] += 1
    out[("in_episodes", source)] = len({child for (_, child, *_) in spans})


def _date(element, path):
    return day(element.findtext(path) or "", "%Y-%m-%d")


def _census(out, parts):
    spans, born, upns, children = {}, {}, {}, set()
    for part in parts:
        authority = part.rows.findtext("Header/Source/LEA")
        for child in part.rows.find("Children"):
            ids = child.find("ChildIdentifiers")
            one = f"{authority}|{ids.findtext('LAchildID')}"
            children.add(one)
            born[one] = _date(ids, "PersonBirthDate")
            upns[one] = ids.findtext("UPN")
            sex = code("cin_census", "sex", ids.findtext("Sex") or ids.findtext("GenderCurrent") or "")
            said = {"born": born[one], "sex": sex, "ended": None}
            for case in child.iter("CINdetails"):
                begun = _date(case, "CINreferralDate")
                spans["referral", one, begun] = said | {"started": begun, "ended": _date(case, "CINclosureDate")}
                for kind, path, first, last in CASE:
                    for element in case.iter(path):
                        start = _date(element, first)
                        key = (kind, one, begun, start) if kind == "assessment" else (kind, one, start)
                        spans[key] = said | {"started": start, "ended": _date(element, last) if last else None}
    _spans(out, "cin_census", spans)
    out[("persons", "cin_census")] = len(children)
    out[("born", "cin_census")] = len(set(born.values()) - {None})
    out[("upn", "cin_census")] = len({upn for upn in upns.values() if upn})


CASE = (
    ("assessment", "Assessments", "AssessmentActualStartDate", "AssessmentAuthorisationDate"),
    ("section_47", "Section47", "S47ActualStartDate", None),
    ("protection_plan", "ChildProtectionPlans", "CPPstartDate", "CPPendDate"),
)


def _looked_after(out, parts):
    spans, children, born, upns = {}, set(), {}, {}
    for part in parts:
        for row in part.rows:
            child = (row.get("_authority", "989"), row["CHILD"])
            children.add(child) if part.table in ("header", "episodes") else None
            if part.table == "header":
                born[child], upns[child] = day(row["DOB"], "%d/%m/%Y"), row["UPN"]
            elif part.table == "episodes":
                start = day(row["DECOM"], "%d/%m/%Y")
                spans["looked_after", child, start] = {"born": None, "sex": None, "started": start, "ended": day(row["DEC"], "%d/%m/%Y")}
            else:
                start = day(row["MIS_START"], "%d/%m/%Y")
                ended, bday = day(row["MIS_END"], "%d/%m/%Y"), day(row["DOB"], "%d/%m/%Y")
                spans["missing", child, start] = {"born": bday, "sex": None, "started": start, "ended": ended}
    _spans(out, "ssda903", spans)
    out[("persons", "ssda903")] = len(children)
    # A token of a birth or pupil number is of the person, whoever sends it.
    out[("born", "ssda903")] = len(set(born.values()) - {None})
    out[("upn", "ssda903")] = len({upn for upn in upns.values() if upn})
