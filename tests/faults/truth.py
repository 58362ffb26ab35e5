"""What a careful reader would count from delivered rows: written from the documentation of the sources and tables, never by svp.

Figures are a dictionary from (table, member, ...) to a count; `None` says that a month is not known. The rows come from the
record of what was done to a delivery, not from its files.
"""

import datetime as dt
import functools
import re
import tomllib
from pathlib import Path

import ground

ROOT = Path(__file__).resolve().parent.parent.parent
EVENT_SOURCES = ("police_street", "police_stop_search", "police_rms", "ecds", "istv")
NO_BIRTH_DATE = {dt.date(1900, 1, 1), dt.date(1811, 11, 11), dt.date(1800, 1, 1), dt.date(1899, 12, 30)}
BANDS = ((9, "0-9"), (17, "10-17"), (24, "18-24"), (34, "25-34"), (44, "35-44"), (54, "45-54"), (64, "55-64"), (120, "65+"))
FILLED_IN = ("00:00:00", "12:00:00", "23:59:00", "23:59:59")


@functools.cache
def maps(source):
    """Code lists of a source, keys without case, as its definition publishes them."""
    with open(ROOT / "pipelines" / "sources" / f"{source}.toml", "rb") as file:
        lists = tomllib.load(file)["maps"]
    return {name: {key.strip().casefold(): value for key, value in codes.items()} for name, codes in lists.items()}


def code(source, name, text):
    """The canonical code of a source's code, or None."""
    return maps(source)[name].get(text.strip().casefold()) if text else None


def moment(text, form):
    """A local date and time, or None."""
    try:
        return dt.datetime.strptime(text.strip(), form)
    except ValueError:
        return None


def day(text, form):
    """A date, or None."""
    made = moment(text, form)
    return made.date() if made else None


def age(born, at):
    """Completed years, or None."""
    if born is None or at is None or born in NO_BIRTH_DATE or born > at:
        return None
    years = at.year - born.year - ((at.month, at.day) < (born.month, born.day))
    return years if 0 <= years <= 120 else None


def band(years):
    """Age band of the data dictionary."""
    if years is None:
        return "not known"
    return next(name for last, name in BANDS if years <= last)


def month_of(when):
    """YYYY-MM."""
    return f"{when:%Y-%m}" if when else None


def filled_in(when):
    """Whether a clock time is one that systems fill in."""
    return f"{when:%H:%M:%S}" in FILLED_IN


def last_sunday(year, month):
    """The last Sunday of a month with 31 days, 01:00 UTC, when the clocks change."""
    last = dt.datetime(year, month, 31, 1)
    return last - dt.timedelta(days=(last.weekday() + 1) % 7)


def local(text):
    """A UTC time of data.police.uk in local clock time, or None."""
    made = moment(text.replace("+00:00", ""), "%Y-%m-%dT%H:%M:%S")
    if made and last_sunday(made.year, 3) <= made < last_sunday(made.year, 10):
        made += dt.timedelta(hours=1)
    return made


def number(text):
    """A number, or None."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


# ---------------------------------------------------------------- one event of a row


def street(row):
    """A row of the street file."""
    lsoa = row["LSOA code"] or None
    return {
        "month": row["Month"],
        "precision": "month",
        "district": ground.district_of_lsoa(lsoa) if lsoa else ground.district_at(number(row["Longitude"]), number(row["Latitude"])),
        "point": bool(row["Longitude"] and row["Latitude"]),
        "kind": None,
        "code": row["Crime type"],
        "outcome": bool(row["Last outcome category"]),
    }


def stop_search(row):
    """A row of the stop-and-search file. Midnight of the world's clock stands for a date without a time, in summer too."""
    when = local(row["Date"])
    unknown = when is not None and (filled_in(when) or "T00:00:00" in row["Date"])
    return {
        "month": month_of(when),
        "precision": None if when is None else "placeholder" if unknown else "exact",
        "district": ground.district_at(number(row["Longitude"]), number(row["Latitude"])),
        "point": bool(row["Longitude"] and row["Latitude"]),
        "kind": None,
        "code": None,
        "outcome": bool(row["Outcome"]),
    }


def offence(text):
    """One spelling of an offence code: `08n` is `8N`, `4/10` is `4.10`, `00401` is `4.1`, `00100` is `1`."""
    text = text.strip().upper()
    if re.fullmatch(r"\d{5}", text):
        return text[:3].lstrip("0") + (f".{int(text[3:])}" if int(text[3:]) else "")
    parts = re.fullmatch(r"0*(\d+)(?:[./]0*(\d+)|([A-Z]))?", text)
    return parts[1] + (f".{parts[2]}" if parts[2] else parts[3] or "") if parts else None


RMS = "%d/%m/%Y %H:%M"


def rms(row):
    """A row of the police extract."""
    start, end = moment(row["Committed From"], RMS), moment(row["Committed To"], RMS)
    window = start is not None and end is not None and end > start
    place = number(row["Easting"]), number(row["Northing"])
    return {
        "month": month_of(start or moment(row["Report Date"], RMS)),
        "precision": "month" if start is None else "window" if window else "placeholder" if filled_in(start) else "exact",
        "district": ground.district_at(*ground.degrees(*place)) if None not in place else None,
        "point": None not in place,
        "kind": code("police_rms", "place", row["Location Type"]),
        "code": offence(row["HOCR Class"]),
        "outcome": bool(row["Outcome"] or row["Status"]),
    }


def ecds(row):
    """A row of the emergency care extract."""
    date, time = row["EC_Injury_Date"], row["EC_Injury_Time"]
    when = moment(f"{date} {time or '00:00:00'}", "%Y-%m-%d %H:%M:%S")
    precision = "none" if not date else "date" if not time else "placeholder" if time in FILLED_IN else "exact"
    place = number(row["EC_Place_Of_Injury_Longitude"]), number(row["EC_Place_Of_Injury_Latitude"])
    return {
        "month": month_of(when or moment(row["Arrival_Date"], "%Y-%m-%d")),
        "precision": precision,
        "district": ground.district_at(*place) if None not in place else None,
        "point": None not in place,
        "kind": code("ecds", "place", row["EC_Place_Of_Injury_SNOMED_CT"]),
        "code": code("ecds", "intent", row["EC_Injury_Intent_SNOMED_CT"]),
        "outcome": False,
    }


ISTV_START = "REPORTING PERIOD START DATE"
ISTV_ARRIVAL = "ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT"
ISTV_ASSAULT = "ASSAULT DATE AND TIME"


def istv(row):
    """A row of the ISTV return."""
    when = moment(row[ISTV_ASSAULT], "%d/%m/%Y %H:%M:%S")
    return {
        "month": month_of(when) or row[ISTV_START][:7],
        "precision": "month" if when is None else "placeholder" if filled_in(when) else "exact",
        "district": None,
        "point": False,
        "kind": code("istv", "place", row["ASSAULT LOCATION TYPE"]),
        "code": None,
        "outcome": False,
    }


EVENT = {"police_street": street, "police_stop_search": stop_search, "police_rms": rms, "ecds": ecds, "istv": istv}


def record_of(source, header, row, at):
    """What tells a record from others; its position where it has no id."""
    if source == "police_rms":
        return row[header.index("Crime Ref")] or at
    if source == "ecds":
        return row[header.index("EC_Ident")] or at
    if source == "ssda903":
        return row[header.index("CHILD")]
    if source == "police_street":
        one = row[header.index("Crime ID")]
        return (one, row[header.index("Crime type")], row[header.index("Longitude")]) if one else at
    return at


def once(source, header, rows):
    """The rows without exact repeats of a record that has an id, and without a second record of one crime id."""
    seen, ids, out = set(), {}, []
    for at, row in enumerate(rows):
        record = record_of(source, header, row, at)
        if source == "police_street" and not isinstance(record, int) and ids.setdefault(record[0], record) != record:
            continue
        if not isinstance(record, int) or source == "police_stop_search":
            if tuple(row) in seen:
                continue
            seen.add(tuple(row))
        out.append(row)
    return out


# ---------------------------------------------------------------- is a row of the sample plain


def plain(source, row, key, table=""):
    """Whether nothing about a row of the sample is odd: it is of its file's month, and its place is in the county or not known."""
    if source == "ssda903":
        return _plain_903(row, table)
    event = EVENT[source](row)
    if event["month"] != key or (event["point"] and event["district"] is None):
        return False
    if source == "police_street":
        return row["LSOA code"] == "" or event["district"] is not None
    if source == "police_stop_search":
        return not ground.near_boundary(number(row["Longitude"]), number(row["Latitude"])) and "-" in row["Date"]
    if source == "ecds":
        arrival = moment(f"{row['Arrival_Date']} {row['Arrival_Time']}", "%Y-%m-%d %H:%M:%S")
        hurt = moment(f"{row['EC_Injury_Date']} {row['EC_Injury_Time']}", "%Y-%m-%d %H:%M:%S")
        known = row["EC_Ident"] and arrival and hurt and hurt <= arrival and month_of(arrival) == key
        return bool(known and event["code"] and day(row["Person_Birth_Date"], "%Y-%m-%d") and len(row["NHS_Number"]) == 10)
    if source == "istv":
        arrival, hurt = moment(row[ISTV_ARRIVAL], "%d/%m/%Y %H:%M:%S"), moment(row[ISTV_ASSAULT], "%d/%m/%Y %H:%M:%S")
        return bool(arrival and hurt and hurt <= arrival and month_of(arrival) == key)
    reported, start = moment(row["Report Date"], RMS), moment(row["Committed From"], RMS)
    near = event["point"] and ground.near_boundary(*ground.degrees(number(row["Easting"]), number(row["Northing"])))
    return bool(row["Crime Ref"] and event["code"] and start and reported and start <= reported and month_of(reported) == key and not near)


def _plain_903(row, table):
    dates = {"header": ["DOB"], "episodes": ["DECOM"], "missing": ["DOB", "MIS_START"]}[table]
    return bool(row["CHILD"]) and all(day(row[name], "%d/%m/%Y") for name in dates)


def plain_child(child):
    """Whether a child of the census has its id and a date of birth."""
    return bool(child.findtext("ChildIdentifiers/LAchildID")) and bool(day(child.findtext("ChildIdentifiers/PersonBirthDate") or "", "%Y-%m-%d"))
