"""Damage to some rows: values that cannot be true, places that are none, ids that clash, codes that nobody knows."""

import datetime as dt
import math

from cases import MONTH_FILES, TEXT, kind, need, some
from extracts import clean
from mutations_columns import DATES, PLACES

LARGE = 0.12


def places(d, sheet):
    """Positions of rows with a point."""
    east, north = PLACES[sheet.source]
    at = [at for at, row in enumerate(sheet.rows) if sheet.get(row, east) and sheet.get(row, north)]
    need(len(at) > 3)
    return at


def no_place(d, sheet, at):
    """The place of a row is not known."""
    true = d.rows(sheet)[at]
    for name in (*PLACES[sheet.source], "LSOA code", "LSOA name"):
        if name in true:
            true[name] = ""


def crime_rows(sheet, at):
    """Positions of all rows of the record of a row."""
    if sheet.source != "police_rms":
        return [at]
    ref = sheet.get(sheet.rows[at], "Crime Ref")
    return [other for other, row in enumerate(sheet.rows) if sheet.get(row, "Crime Ref") == ref]


def records(sheet, rng, positions, share):
    """Positions of all rows of some of the records."""
    chosen = rng.sample(positions, max(1, round(len(positions) * share)))
    return sorted({other for at in chosen for other in crime_rows(sheet, at)})


FILLERS = {
    "police_rms": [("0", "0"), ("-1", "-1"), ("1", "1"), ("999999", "999999"), ("400000", "-100000"), ("0.0", "0.0")],
    "police_street": [("0", "0"), ("0.000000", "0.000000"), ("-7.557160", "49.766807"), ("-1", "-1")],
    "police_stop_search": [("0", "0"), ("0.000000", "0.000000"), ("-7.557160", "49.766807"), ("-1", "-1")],
}


@kind(*FILLERS)
def placeholder_places(d, sheet, rng):
    """Coordinates that stand for an unknown place: 0/0, -1/-1, 999999, the false origin."""
    filler = rng.choice(FILLERS[sheet.source])
    share = rng.choice([0.03, 0.1, 0.5])
    for at in records(sheet, rng, places(d, sheet), share):
        for name, value in zip(PLACES[sheet.source], filler):
            sheet.put(sheet.rows[at], name, value)
        if "LSOA code" in sheet.header:
            sheet.put(sheet.rows[at], "LSOA code", "")
        no_place(d, sheet, at)
    d.note(f"{sheet.name}: {'/'.join(filler)} for the place of {share:.0%} of the rows with one")


@kind(*FILLERS)
def half_a_place(d, sheet, rng):
    """One of two coordinates is missing."""
    name = rng.choice(PLACES[sheet.source])
    for at in records(sheet, rng, places(d, sheet), 0.1):
        sheet.put(sheet.rows[at], name, "")
        if "LSOA code" in sheet.header:
            sheet.put(sheet.rows[at], "LSOA code", "")
        no_place(d, sheet, at)
    d.note(f"{sheet.name}: no {name} in some rows")


@kind(*FILLERS)
def swapped_places(d, sheet, rng):
    """The two coordinates in each other's place, in some rows or all."""
    east, north = PLACES[sheet.source]
    share = rng.choice([0.03, 0.2, 1.0])
    for at in records(sheet, rng, places(d, sheet), share):
        row = sheet.rows[at]
        first, second = sheet.get(row, east), sheet.get(row, north)
        sheet.put(row, east, second), sheet.put(row, north, first)
    d.note(f"{sheet.name}: coordinates swapped in {share:.0%} of the rows with a place")


@kind("police_street")
def old_small_areas(d, sheet, rng):
    """Codes of 2011 without a point, of small areas that were merged since."""
    area = {"E01990003": ["E01980002", "E01980003"]}
    positions = list(range(len(sheet.rows)))
    for at in some(rng, len(positions), 0.1, 2):
        row, true = sheet.rows[at], d.rows(sheet)[at]
        for name in ("Longitude", "Latitude"):
            sheet.put(row, name, "")
            true[name] = ""
        true["LSOA code"] = "E01990003"
        sheet.put(row, "LSOA code", rng.choice(area["E01990003"]))
    d.note(f"{sheet.name}: codes of 2011 without a point")


@kind("police_street")
def events_of_another_force(d, sheet, rng):
    """Rows of another force without a place: they are not of this area."""
    count = rng.choice([2, 8])
    for _ in range(count):
        row = dict.fromkeys(sheet.header, "")
        row |= {"Month": d.month_of(sheet), "Reported by": "Another Force", "Falls within": "Another Force", "Location": "No Location",
                "Crime type": "Anti-social behaviour"}  # fmt: skip
        sheet.rows.append([row[name] for name in sheet.header])
    d.note(f"{sheet.name}: {count} rows of another force without a place")
    # The canonical tables may hold them; the published ones must not.
    d.only_published = True


SENTINELS = {
    "police_rms": ("Committed From", ["01/01/1900 00:00", "31/12/9999 00:00", "01/01/1970 00:00", "30/12/1899 00:00", "01/01/0001 00:00"]),
    "ecds": ("EC_Injury_Date", ["1900-01-01", "9999-12-31", "1970-01-01", "1899-12-30", "0001-01-01"]),
    "istv": ("ASSAULT DATE AND TIME", ["01/01/1900 00:00:00", "31/12/9999 23:59:59", "01/01/1970 00:00:00"]),
    "police_stop_search": ("Date", ["1900-01-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00"]),
}


def time_not_known(d, sheet, at):
    """The time of a row is not known, only when it was recorded."""
    true = d.rows(sheet)[at]
    for name in {"police_rms": ["Committed From", "Committed To"], "ecds": ["EC_Injury_Date", "EC_Injury_Time"]}.get(
        sheet.source, [SENTINELS[sheet.source][0]]
    ):
        true[name] = ""


@kind(*SENTINELS)
def filler_dates(d, sheet, rng):
    """Dates that stand for "not known"."""
    name, values = SENTINELS[sheet.source]
    value, share = rng.choice(values), rng.choice([0.03, LARGE])
    need(len(sheet.rows) > 4)
    for at in records(sheet, rng, range(len(sheet.rows)), share):
        sheet.put(sheet.rows[at], name, value)
        time_not_known(d, sheet, at)
    d.note(f"{sheet.name}: {name} is {value} in {share:.0%} of the rows")


@kind("police_rms", "ecds", "istv", "police_stop_search")
def years_mistyped(d, sheet, rng):
    """Years of another century, or far ahead."""
    name = SENTINELS[sheet.source][0]
    share = rng.choice([0.03, LARGE])
    wrong = rng.choice(["2205", "0025", "1925", "2052"])
    year = d.month_of(sheet)[:4]
    for at in records(sheet, rng, range(len(sheet.rows)), share):
        sheet.put(sheet.rows[at], name, sheet.get(sheet.rows[at], name).replace(year, wrong))
        time_not_known(d, sheet, at)
    d.note(f"{sheet.name}: year {wrong} in {name} in {share:.0%} of the rows")


@kind("police_rms", "ecds", "istv")
def before_it_happened(d, sheet, rng):
    """Recorded, or arrived, months before it happened: the later date is the wrong one."""
    name = SENTINELS[sheet.source][0]
    form = DATES[sheet.source][name]
    for at in records(sheet, rng, range(len(sheet.rows)), 0.06):
        late = dt.datetime.strptime(sheet.get(sheet.rows[at], name), form) + dt.timedelta(days=rng.choice([61, 275]))
        sheet.put(sheet.rows[at], name, late.strftime(form))
        time_not_known(d, sheet, at)
    d.note(f"{sheet.name}: {name} months after it was recorded")


@kind("police_rms", "ecds", "ssda903", table="header")
def filler_birth_dates(d, sheet, rng):
    """Dates of birth that stand for "not known"."""
    name = {"police_rms": "Date Of Birth", "ecds": "Person_Birth_Date", "ssda903": "DOB"}[sheet.source]
    value = dt.date(*rng.choice([(1900, 1, 1), (1901, 1, 1), (2099, 12, 31), (9999, 12, 31), (1800, 1, 1)]))
    text = value.strftime(DATES[sheet.source][name]).replace("9999", "9999")
    for at in some(rng, len(sheet.rows), 0.2):
        row, true = sheet.rows[at], d.rows(sheet)[at]
        if sheet.get(row, name):
            sheet.put(row, name, text)
            true[name] = ""
    d.note(f"{sheet.name}: {name} is {text} in a fifth of the rows")


@kind("police_rms", "ecds")
def impossible_ages(d, sheet, rng):
    """Ages that are none: an NHS number, 999, -1, a word; dates of birth beside them are right."""
    name = {"police_rms": "Age", "ecds": "Age_At_Arrival"}[sheet.source]
    value = rng.choice(["9434765919", "999", "-1", "34 years", "ADULT", "99999999999999999999"])
    for at in some(rng, len(sheet.rows), rng.choice([0.03, 0.2])):
        if sheet.source == "ecds" or sheet.get(sheet.rows[at], name):
            sheet.put(sheet.rows[at], name, value)
            d.rows(sheet)[at][name] = ""
    d.note(f"{sheet.name}: {name} is {value} in some rows")


@kind("police_rms", "ecds")
def rare_codes(d, sheet, rng):
    """Codes that are current and rare: sex X, ethnic category X (not known)."""
    sex, ethnic, word = {"police_rms": ("Sex", "SDE", "NS"), "ecds": ("Sex", "Ethnic_Category", "X")}[sheet.source]
    for at in some(rng, len(sheet.rows), rng.choice([0.03, 0.2])):
        row, true = sheet.rows[at], d.rows(sheet)[at]
        if sheet.source == "police_rms" and not sheet.get(row, "Nominal Ref"):
            continue
        sheet.put(row, sex, "X")
        sheet.put(row, ethnic, word)
        true[sex], true[ethnic] = "", "NS" if sheet.source == "police_rms" else "Z"
    d.note(f"{sheet.name}: sex X and ethnic group {word}")


@kind("police_rms", "ecds", "istv", "police_stop_search")
def unknown_codes(d, sheet, rng):
    """Codes of an attribute that nobody knows: the attribute is lost, not the event."""
    name = {
        "police_rms": "Location Type",
        "ecds": "EC_Place_Of_Injury_SNOMED_CT",
        "istv": "ASSAULT LOCATION TYPE",
        "police_stop_search": "Gender",
    }[sheet.source]
    share = rng.choice([0.03, 0.3])
    for at in records(sheet, rng, range(len(sheet.rows)), share):
        sheet.put(sheet.rows[at], name, "ZZ-99")
        d.rows(sheet)[at][name] = ""
    d.note(f"{sheet.name}: {name} is ZZ-99 in {share:.0%} of the rows")


@kind("police_rms", "police_street", "ecds")
def unknown_offences(d, sheet, rng):
    """Codes that a table needs in order to count, and that nobody knows."""
    name = {"police_rms": "HOCR Class", "police_street": "Crime type", "ecds": "EC_Injury_Intent_SNOMED_CT"}[sheet.source]
    share = rng.choice([0.03, 0.3])
    for at in records(sheet, rng, range(len(sheet.rows)), share):
        sheet.put(sheet.rows[at], name, "ZZ-99")
        if sheet.source == "police_street":
            d.rows(sheet)[at][name] = "ZZ-99"
    d.note(f"{sheet.name}: {name} is ZZ-99 in {share:.0%} of the rows")


@kind("police_rms", "ecds")
def ids_shared(d, sheet, rng):
    """One id for two different events."""
    name = {"police_rms": "Crime Ref", "ecds": "EC_Ident"}[sheet.source]
    ids = sorted({sheet.get(row, name) for row in sheet.rows})
    need(len(ids) > 8)
    for _ in range(rng.choice([1, 4])):
        one, other = rng.sample(ids, 2)
        rows = {sheet.get(row, name): row for row in sheet.rows}
        if one not in rows or other not in rows:
            continue
        for row in sheet.rows:
            if sheet.get(row, name) == other:
                sheet.put(row, name, one)
    d.note(f"{sheet.name}: events under the {name} of others")


@kind("police_rms", "ecds")
def ids_missing(d, sheet, rng):
    """No id in some rows: they are events all the same."""
    name = {"police_rms": "Crime Ref", "ecds": "EC_Ident"}[sheet.source]
    share = rng.choice([0.03, 0.3, 1.0])
    need(len(sheet.rows) > 6)
    for at in records(sheet, rng, range(len(sheet.rows)), share):
        sheet.put(sheet.rows[at], name, "")
    d.note(f"{sheet.name}: no {name} in {share:.0%} of the rows")


@kind("police_rms", "ecds")
def rows_that_differ(d, sheet, rng):
    """Rows of one id that contradict one another in offence, place or time: what is right nobody knows, so it must be told."""
    name = {"police_rms": "Crime Ref", "ecds": "EC_Ident"}[sheet.source]
    other = clean(sheet.source, "2024-07", limit=60, rng=rng)
    chosen = rng.sample(range(len(sheet.rows)), min(len(sheet.rows), 5))
    for at in chosen:
        row = list(rng.choice(other.rows))
        row[sheet.header.index(name)] = sheet.get(sheet.rows[at], name)
        sheet.rows.append(row)
    need(chosen)
    d.must_tell = True
    d.note(f"{sheet.name}: {len(chosen)} ids with two rows that contradict one another")


@kind(*MONTH_FILES)
def rows_of_another_month(d, sheet, rng):
    """Rows of the month before or after in a month's file, though that month has a file of its own."""
    month = d.month_of(sheet)
    other = next(sheet_ for sheet_ in d.sheets if sheet_.source == sheet.source and sheet_ is not sheet)
    count = max(2, round(len(other.rows) * rng.choice([0.1, 0.5])))
    need(len(other.rows) >= count)
    sheet.rows += [list(row) for row in rng.sample(other.rows, count)]
    d.note(f"{sheet.name}: {count} rows of {other.name} as well, in the file of {month}")


@kind("police_street", "police_rms", "ecds")
def commas_unquoted(d, sheet, rng):
    """A value with a comma and without quotes, so that the rest of the row moves by one column."""
    name = {"police_street": "Location", "police_rms": "Offence Title", "ecds": "Person_Given_Name"}[sheet.source]
    at_column = sheet.column(name)
    for at in some(rng, len(sheet.rows), rng.choice([0.02, 0.1])):
        sheet.rows[at].insert(at_column, "Part of it")
    d.note(f"{sheet.name}: {name} with a comma and no quotes in some rows")


@kind(*TEXT)
def fields_missing(d, sheet, rng):
    """Rows that lack a field in the middle, so that the rest moves."""
    at_column = rng.randrange(1, len(sheet.header) - 1)
    for at in some(rng, len(sheet.rows), rng.choice([0.02, 0.1])):
        del sheet.rows[at][at_column]
    d.note(f"{sheet.name}: some rows lack {sheet.header[at_column]}")


@kind("istv", "police_stop_search", months=4)
def scattered_doubles(d, sheet, rng):
    """Rows without an id stand twice here and there, in one file."""
    need(len(sheet.rows) >= 24)
    for at in sorted(some(rng, len(sheet.rows), 0.2, 8), reverse=True):
        sheet.rows.insert(rng.randrange(at, len(sheet.rows)) + 1, list(sheet.rows[at]))
    d.note(f"{sheet.name}: a fifth of the rows stand twice")


@kind("ecds", months=4)
def again_under_other_ids(d, sheet, rng):
    """Rows stand again under another id."""
    for at in sorted(some(rng, len(sheet.rows), 0.2, 8), reverse=True):
        row = list(sheet.rows[at])
        sheet.put(row, "EC_Ident", "9" + sheet.get(row, "EC_Ident")[1:])
        sheet.rows.append(row)
    d.note(f"{sheet.name}: a fifth of the rows stand again under another id")


@kind("police_rms", months=4)
def people_anew(d, sheet, rng):
    """The numbers of people begin anew in each file, so that one number means several people."""
    its = [other for other in d.sheets if other.source == sheet.source]
    for other in its:
        numbers = {}
        for row in other.rows:
            name = other.get(row, "Nominal Ref")
            if name:
                other.put(row, "Nominal Ref", f"N{numbers.setdefault(name, len(numbers) + 1):05d}")
    d.damaged |= {other.name for other in its}
    d.must_tell = True
    d.note("numbers of people begin anew in each file")


@kind("ecds", "police_rms", "istv", months=5)
def half_left_out(d, sheet, rng):
    """Most of the rows of one file were left out."""
    count = len(sheet.rows)
    need(count >= 40)
    chosen = {record for at, record in enumerate(row[0] for row in sheet.rows) if rng.random() < 0.75}
    if sheet.source == "istv":
        sheet.rows[:] = [row for row in sheet.rows if rng.random() > 0.75]
    else:
        sheet.rows[:] = [row for row in sheet.rows if row[0] not in chosen]
    least = min(len(other.rows) for other in d.others(sheet) if other.source == sheet.source)
    need(len(sheet.rows) * 2 < least and least >= 20)
    d.note(f"{sheet.name}: {len(sheet.rows)} of {count} rows are there")


# Of these each row is a record: in files of some forty records whose rows come in groups chance leaves a kind out now and then.
KINDS_OF_ROW = {
    "police_street": "Crime type",
    "ecds": "EC_Injury_Intent_SNOMED_CT",
}


def common(sheet, name, d):
    """The commonest value of a column of a sheet, where every file has it and the sheet has enough rows to see it missing."""
    its = [other for other in d.sheets if other.source == sheet.source]
    values = sorted({sheet.get(row, name) for row in sheet.rows} - {""})
    share = {value: min(sum(other.get(row, name) == value for row in other.rows) / max(len(other.rows), 1) for other in its) for value in values}
    best = max(values, key=lambda value: (share[value], value), default=None)
    need(best is not None and 0.2 <= share[best] < 1)
    others = sum(sheet.get(row, name) != best for row in sheet.rows)
    # So many rows without one of the kind are less likely than one in four hundred thousand.
    need(others * -math.log(1 - share[best]) >= 13)
    return best


@kind(*KINDS_OF_ROW, months=5)
def one_kind_left_out(d, sheet, rng):
    """Rows of one kind, or one district, were left out of one file."""
    name = KINDS_OF_ROW[sheet.source]
    value = common(sheet, name, d)
    count = len(sheet.rows)
    sheet.rows[:] = [row for row in sheet.rows if sheet.get(row, name) != value]
    d.must_tell = True
    d.note(f"{sheet.name}: {count - len(sheet.rows)} of {count} rows of one {name} left out")


RECODED = {"police_street": ("Crime type", "Other theft"), "ecds": ("EC_Injury_Intent_SNOMED_CT", "242056005")}


@kind(*RECODED, months=5)
def recoded(d, sheet, rng):
    """Most rows of the commonest kind bear another code that is legal."""
    name, other = RECODED[sheet.source]
    value = common(sheet, name, d)
    need(value != other)
    rows = [row for row in sheet.rows if sheet.get(row, name) == value]
    for row in rows[: round(len(rows) * 0.8)]:
        sheet.put(row, name, other)
    d.must_tell = True
    d.note(f"{sheet.name}: {round(len(rows) * 0.8)} rows of one {name} bear another code")


# Of the sample's sources this one has rows enough in a month for ten days without any to be no chance.
@kind("police_rms", whole=True)
def days_left_out(d, sheet, rng):
    """The last days of the month, or ten days in its middle, were left out."""
    name = "Report Date"
    first, last = rng.choice([(19, 31), (12, 21), (1, 11)])
    count = len(sheet.rows)
    gone = [row for row in sheet.rows if sheet.get(row, name) and first <= int(sheet.get(row, name)[:2]) <= last]
    need(len(gone) >= 40 and len(gone) < count)
    sheet.rows[:] = [row for row in sheet.rows if row not in gone]
    d.must_tell = True
    d.note(f"{sheet.name}: {len(gone)} of {count} rows left out, days {first} to {last}")


@kind("police_rms", months=5, whole=True)
def third_left_out(d, sheet, rng):
    """Four of ten rows of one file were left out, here and there."""
    count = len(sheet.rows)
    records = sorted({row[0] for row in sheet.rows})
    chosen = set(rng.sample(records, round(len(records) * 0.4)))
    sheet.rows[:] = [row for row in sheet.rows if row[0] not in chosen]
    left, its = len(sheet.rows), sorted(other.name for other in d.sheets if other.source == sheet.source)
    at = its.index(sheet.name)
    near = sorted((abs(its.index(other.name) - at), len(other.rows)) for other in d.others(sheet) if other.source == sheet.source)[:2]
    least = min(rows for _, rows in near)
    # Seen where it is less than three quarters of the months next to it, and so few are no chance.
    need(left < 0.75 * least and left * math.log(left / least) - left + least > 12)
    d.must_tell = True
    d.note(f"{sheet.name}: {left} of {count} rows are there")


@kind("police_rms", months=5, whole=True)
def flags_turned_off(d, sheet, rng):
    """A flag that few rows have says no in all rows of one file."""
    # Of the knife flag the mapping keeps no "no": rows that give no value are compared, beside the file that has the fewest of them.
    name = rng.choice(["DA Flag", "Alcohol Flag", "Knife Flag"])
    its = [other for other in d.sheets if other.source == sheet.source]

    def flags(one):
        of = {row[0]: one.get(row, name) for row in one.rows}
        return sum(flag == "Y" for flag in of.values()), sum(flag in "YN" for flag in of.values() if flag)

    others = [flags(other) for other in its if other is not sheet]
    least = min(yes / max(known, 1) for yes, known in others)
    all_of_them = sum(yes for yes, _ in others) / max(sum(known for _, known in others), 1)
    share = least if name == "Knife Flag" else (least + all_of_them) / 2
    need(flags(sheet)[1] * -math.log(1 - share) >= 13)
    for row in sheet.rows:
        if sheet.get(row, name) == "Y":
            sheet.put(row, name, "N")
    d.must_tell = True
    d.note(f"{sheet.name}: {name} says no in all rows")
