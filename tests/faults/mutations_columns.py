"""Damage to columns and values: what spreadsheets, report writers and changed systems do to a whole column."""

import datetime as dt
import re

from cases import TEXT, kind, need, some
from ground import district_of_lsoa

# Columns that a figure rests on.
FILLED = {
    "police_street": ["LSOA code", "Crime type", "Month"],
    "police_stop_search": ["Gender", "Age range", "Date"],
    "police_rms": ["Committed From", "HOCR Class", "Sex", "Role", "Date Of Birth", "Easting", "Location Type", "SDE", "Nominal Ref"],
    "ecds": ["Sex", "EC_Injury_Intent_SNOMED_CT", "NHS_Number", "Person_Birth_Date", "Postcode", "EC_Injury_Date", "Ethnic_Category"],
    "istv": ["ASSAULT LOCATION TYPE", "ASSAULT DATE AND TIME"],
    "ssda903": ["DOB", "UPN", "DECOM", "MIS_START", "CHILD"],
}
DATES = {
    "police_stop_search": {"Date": "%Y-%m-%dT%H:%M:%S+00:00"},
    "police_rms": {"Committed From": "%d/%m/%Y %H:%M", "Report Date": "%d/%m/%Y %H:%M", "Date Of Birth": "%d/%m/%Y"},
    "ecds": {"EC_Injury_Date": "%Y-%m-%d", "Arrival_Date": "%Y-%m-%d", "Person_Birth_Date": "%Y-%m-%d"},
    "istv": {"ASSAULT DATE AND TIME": "%d/%m/%Y %H:%M:%S"},
    "ssda903": {"DOB": "%d/%m/%Y", "DECOM": "%d/%m/%Y", "MIS_START": "%d/%m/%Y"},
}
NUMBERED = {"police_rms": "Crime Ref", "ecds": "EC_Ident", "ssda903": "CHILD"}
PLACES = {
    "police_street": ("Longitude", "Latitude"),
    "police_stop_search": ("Longitude", "Latitude"),
    "police_rms": ("Easting", "Northing"),
}


def present(sheet, columns):
    """Columns of a list that the sheet has and in which some row has text."""
    return [name for name in columns if name in sheet.header and any(sheet.get(row, name) for row in sheet.rows)]


def change(sheet, name, act, positions=None):
    """Changes every filled value of a column, or those of some rows; how many."""
    count = 0
    for at, row in enumerate(sheet.rows):
        if sheet.get(row, name) and (positions is None or at in positions):
            sheet.put(row, name, act(sheet.get(row, name)))
            count += 1
    need(count)
    return count


@kind(*TEXT)
def column_emptied(d, sheet, rng):
    """A column that figures rest on has no value in any row."""
    columns = present(sheet, FILLED[sheet.source])
    need(columns)
    name = rng.choice(columns)
    count = change(sheet, name, lambda _: "")
    d.note(f"{sheet.name}: column {name} emptied in {count} rows")


@kind(*TEXT)
def column_dropped(d, sheet, rng):
    """A column that figures rest on is not there."""
    columns = present(sheet, FILLED[sheet.source])
    need(columns)
    at = sheet.column(rng.choice(columns))
    d.note(f"{sheet.name}: column {sheet.header[at]} is not there")
    for row in [sheet.header, *sheet.rows]:
        del row[at]


@kind(*TEXT)
def header_renamed(d, sheet, rng):
    """One column has another name."""
    columns = present(sheet, FILLED[sheet.source])
    need(columns)
    at = sheet.column(rng.choice(columns))
    new = rng.choice([sheet.header[at] + "_1", sheet.header[at].replace(" ", "_") + "x", "Column" + str(at + 1)])
    d.note(f"{sheet.name}: column {sheet.header[at]} is called {new}")
    sheet.header[at] = new


@kind("police_stop_search", "police_street", "police_rms")
def headers_exchanged(d, sheet, rng):
    """The names of two columns in each other's place, values where they were."""
    first, second = (sheet.column(name) for name in PLACES[sheet.source])
    sheet.header[first], sheet.header[second] = sheet.header[second], sheet.header[first]
    need(any(row[first] for row in sheet.rows))
    d.note(f"{sheet.name}: names of {sheet.header[first]} and {sheet.header[second]} exchanged")


@kind(*TEXT)
def no_header(d, sheet, rng):
    """The header line is not there."""
    header = sheet.encode(sheet.line(sheet.header))
    sheet.bom = False
    sheet.spoil.append(lambda data: data[len(header) :])
    d.note(f"{sheet.name}: no header")


MISSING = ("NULL", "N/A", "n/a", "null", "Not known", "-", "#N/A", "None", "nan")
OPTIONAL = {
    "police_rms": ["Committed To", "Easting", "Northing", "Postcode", "Outcome", "Age", "Alcohol Flag", "Relationship", "Nominal Ref"],
    "ecds": ["Age_At_Arrival", "Der_Postcode_LSOA_Code", "EC_Place_Of_Injury_Latitude", "EC_Place_Of_Injury_Longitude", "Postcode"],
    "police_street": ["Longitude", "Latitude", "LSOA code", "Last outcome category", "Crime ID"],
    "police_stop_search": ["Latitude", "Longitude", "Self-defined ethnicity", "Outcome"],
    "ssda903": ["UPN", "DEC", "MIS_END", "HOME_POST", "REC"],
}


@kind(*OPTIONAL)
def word_for_missing(d, sheet, rng):
    """A word stands where nothing is known, in columns that may be blank."""
    word = rng.choice(MISSING)
    columns = [name for name in OPTIONAL[sheet.source] if name in sheet.header]
    if sheet.source == "police_rms" and "Nominal Ref" in columns:
        columns.remove("Nominal Ref") if rng.random() < 0.5 else None
    count = 0
    for name in columns:
        for row in sheet.rows:
            if not sheet.get(row, name):
                sheet.put(row, name, word)
                count += 1
    need(count)
    d.note(f"{sheet.name}: {word} in {count} blank fields of {', '.join(columns)}")


@kind("ecds")
def word_for_age_and_area(d, sheet, rng):
    """A word stands in the columns of age and area, of which date of birth and postcode still tell."""
    word = rng.choice(MISSING)
    for row, true in zip(sheet.rows, d.rows(sheet)):
        for name in ("Age_At_Arrival", "Der_Postcode_LSOA_Code"):
            sheet.put(row, name, word)
            true[name] = ""
    d.note(f"{sheet.name}: {word} for every age and area of residence")


def _numbered(d, sheet):
    """Gives a sheet (and its return) ids of digits alone, in what is sent and in what is true."""
    name = NUMBERED[sheet.source]
    its = [other for other in d.sheets if other.source == sheet.source]

    def digits(text):
        text = re.sub(r"\D", "", text)
        return {"ecds": "41", "ssda903": "7"}.get(sheet.source, "") + text if text else ""

    for other in its:
        for row, true in zip(other.rows, d.rows(other)):
            sheet.put(row, name, digits(other.get(row, name))) if other is sheet else other.put(row, name, digits(other.get(row, name)))
            true[name] = digits(true[name])
    return name


@kind(*NUMBERED)
def ids_rounded(d, sheet, rng):
    """Ids of digits in scientific notation."""
    name = _numbered(d, sheet)
    form = rng.choice(["%.4E", "%.5E", "%.2E"])
    change(sheet, name, lambda text: (form % int(text)).replace("E+0", "E+") if text.isdigit() else text)
    d.note(f"{sheet.name}: {name} in scientific notation")


@kind(*NUMBERED)
def ids_last_digits_lost(d, sheet, rng):
    """Ids whose last digits a spreadsheet set to 0, as it does after the fifteenth."""
    name = _numbered(d, sheet)
    for other in d.sheets:
        if other.source == sheet.source:
            for row, true in zip(other.rows, d.rows(other)):
                long = true[name] and f"9{int(true[name]):017d}"
                other.put(row, name, long)
                true[name] = long
    change(sheet, name, lambda text: text[:15] + "000")
    d.note(f"{sheet.name}: {name} of 18 digits, the last three are 0")


@kind(*NUMBERED)
def ids_decorated(d, sheet, rng):
    """Ids with `.0`, a leading apostrophe, or as a formula of text."""
    name = _numbered(d, sheet)
    form = rng.choice(["%s.0", "'%s", '="%s"', "%s.00"])
    change(sheet, name, lambda text: form % text)
    d.note(f"{sheet.name}: {name} as {form}")


@kind("ecds", "ssda903", table="header")
def national_ids_spoilt(d, sheet, rng):
    """NHS numbers with `.0` or in scientific notation, pupil numbers cut."""
    if sheet.source == "ssda903":
        change(sheet, "UPN", lambda text: text[:-1])
        d.note(f"{sheet.name}: the last character of every pupil number is missing")
        return
    form = rng.choice(["%s.0", "science", "'%s", '="%s"', "spaces"])
    acts = {"science": lambda text: f"{int(text):.5E}", "spaces": lambda text: f"{text[:3]} {text[3:6]} {text[6:]}"}
    change(sheet, "NHS_Number", acts.get(form, lambda text: form % text))
    d.note(f"{sheet.name}: NHS numbers as {form}")


@kind("ecds")
def snomed_rounded(d, sheet, rng):
    """SNOMED codes as numbers of floating point."""
    name = rng.choice(["EC_Injury_Intent_SNOMED_CT", "EC_Place_Of_Injury_SNOMED_CT"])
    way = rng.choice(["science", "zeros"])
    change(sheet, name, lambda text: f"{int(text):.5E}" if way == "science" else text[:15] + "000" if len(text) == 18 else text)
    d.note(f"{sheet.name}: {name} {way}")


FORMS = (
    ("iso", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"),
    ("uk", "%d/%m/%Y", "%d/%m/%Y %H:%M"),
    ("us", "%m/%d/%Y", "%m/%d/%Y %H:%M"),
    ("two digits of the year", "%d/%m/%y", "%d/%m/%y %H:%M"),
    ("named month", "%d-%b-%Y", "%d-%b-%Y %H:%M"),
    ("compact", "%Y%m%d", "%Y%m%d %H%M"),
    ("dots", "%d.%m.%Y", "%d.%m.%Y %H:%M"),
    ("serial", None, None),
    ("midnight added", "%d/%m/%Y 00:00", "%d/%m/%Y %I:%M %p"),
)


@kind(*DATES)
def dates_in_another_form(d, sheet, rng):
    """Every date of a column in another form; those of which day and month could be exchanged as well."""
    columns = present(sheet, DATES[sheet.source])
    need(columns)
    name = rng.choice(columns)
    form = DATES[sheet.source][name]
    label, date, time = rng.choice([entry for entry in FORMS if form not in entry[1:]])
    days = [dt.datetime.strptime(sheet.get(row, name), form).day for row in sheet.rows if sheet.get(row, name)]
    # Days up to the twelfth are months as well: nobody could see that they are exchanged.
    need(sum(day > 12 for day in days) > 3)

    def act(text):
        made = dt.datetime.strptime(text, form)
        if label == "serial":
            number = (made - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
            return f"{number:.0f}" if "%H" not in form else f"{number:.5f}"
        return made.strftime(time if "%H" in form else date)

    change(sheet, name, act)
    d.note(f"{sheet.name}: {name} in the form {label}")


@kind("police_rms", "ecds", "istv", "ssda903")
def some_dates_in_another_form(d, sheet, rng):
    """A third of the dates of a column in the order month, day (or day, month)."""
    columns = present(sheet, DATES[sheet.source])
    need(columns)
    name = rng.choice(columns)
    form = DATES[sheet.source][name]
    other = form.replace("%d/%m", "%m/%d") if "%d/%m" in form else "%d/%m/%Y"
    positions = some(rng, len(sheet.rows), 0.35, 3)
    texts = [sheet.get(sheet.rows[at], name) for at in positions]
    need(sum(dt.datetime.strptime(text, form).day > 12 for text in texts if text) >= 3)
    change(sheet, name, lambda text: dt.datetime.strptime(text, form).strftime(other), positions)
    d.note(f"{sheet.name}: {len(positions)} values of {name} as {other}")


@kind("police_rms", "ecds")
def times_lost(d, sheet, rng):
    """The time of day is cut off from every time."""
    if sheet.source == "police_rms":
        change(sheet, "Committed From", lambda text: text[:10])
    else:
        change(sheet, "EC_Injury_Time", lambda text: "")
        for true in d.rows(sheet):
            true["EC_Injury_Time"] = ""
    d.note(f"{sheet.name}: times of day cut off")


@kind("police_street", "police_stop_search", "police_rms")
def decimal_commas(d, sheet, rng):
    """Coordinates with a comma for the point."""
    for name in PLACES[sheet.source]:
        change(sheet, name, lambda text: text.replace(".", ",") if "." in text else f"{text},5")
    d.note(f"{sheet.name}: coordinates with decimal commas")


@kind("police_street", "police_stop_search", "police_rms")
def coordinates_in_other_units(d, sheet, rng):
    """Kilometres or centimetres for metres; longitudes that lost their sign."""
    east, north = PLACES[sheet.source]
    if sheet.source == "police_rms":
        factor = rng.choice([0.001, 100])
        for name in (east, north):
            change(sheet, name, lambda text: f"{float(text) * factor:.3f}")
        d.note(f"{sheet.name}: grid references times {factor}")
    else:
        change(sheet, east, lambda text: text.lstrip("-"))
        if "LSOA code" in sheet.header:
            change(sheet, "LSOA code", lambda _: "")
        d.note(f"{sheet.name}: longitudes without their sign")


WORDS = {
    "police_rms": ("Sex", {"M": "Male", "F": "Female", "U": "Unknown"}),
    "ecds": ("Sex", {"1": "M", "2": "F", "9": "X"}),
    "police_stop_search": ("Gender", {"Male": "M", "Female": "F"}),
    "ssda903": ("SEX", {"1": "Male", "2": "Female", "M": "Boy", "F": "Girl"}),
}


@kind(*WORDS, table="header")
def codes_of_another_list(d, sheet, rng):
    """A column in the codes of another system."""
    name, words = WORDS[sheet.source]
    change(sheet, name, lambda text: words.get(text, text))
    d.note(f"{sheet.name}: {name} in other codes")


@kind("police_rms", "ecds", "ssda903")
def codes_as_numbers(d, sheet, rng):
    """Codes that a spreadsheet made numbers: `1.0`, and leading zeros lost."""
    if sheet.source == "police_rms":
        change(sheet, "HOCR Class", lambda text: f"{float(text):.2f}" if re.fullmatch(r"\d+", text) else text)
        name = "HOCR Class"
    elif sheet.source == "ecds":
        change(sheet, "Sex", lambda text: f"{text}.0")
        name = "Sex"
    else:
        need("SEX" in sheet.header and any(sheet.get(row, "SEX") in "12" for row in sheet.rows))
        change(sheet, "SEX", lambda text: f"{text}.0" if text.isdigit() else text)
        name = "SEX"
    d.note(f"{sheet.name}: {name} as numbers")


@kind(*TEXT)
def column_stops(d, sheet, rng):
    """A column holds its values up to a row and none after it."""
    count = len(sheet.rows)
    need(count > 30)
    after = rng.randrange(count // 2, count - 12)

    def whole(name):
        return all(sheet.get(row, name) for row in sheet.rows[:after]) and all(sheet.get(row, name) for row in sheet.rows[after:])

    columns = [name for name in FILLED[sheet.source] if name in sheet.header and whole(name)]
    need(columns)
    name = rng.choice(columns)
    change(sheet, name, lambda _: "", set(range(after, count)))
    d.note(f"{sheet.name}: column {name} is blank from row {after + 1} of {count} on")


FILLERS = {
    "ecds": {"NHS_Number": "9434765919", "Person_Birth_Date": "1985-05-05"},
    "police_rms": {"Date Of Birth": "05/05/1985"},
}


@kind(*FILLERS)
def one_filler(d, sheet, rng):
    """One value that looks true stands for all whose own is not known."""
    name, value = rng.choice(sorted(FILLERS[sheet.source].items()))
    filled = [at for at, row in enumerate(sheet.rows) if sheet.get(row, name)]
    need(len(filled) >= 25)
    chosen = set(rng.sample(filled, max(21, len(filled) // 2)))
    count = change(sheet, name, lambda _: value, chosen)
    d.must_tell = True
    d.note(f"{sheet.name}: {count} rows have the same {name}")


TIMES = {
    "ecds": ("EC_Injury_Time", lambda _: "00:01:00"),
    "police_rms": ("Committed From", lambda text: text[:11] + "00:01"),
    "istv": ("ASSAULT DATE AND TIME", lambda text: text[:11] + "00:01:00"),
}


@kind(*TIMES)
def one_minute(d, sheet, rng):
    """Every time is one minute past midnight, as systems write it that do not allow midnight."""
    name, act = TIMES[sheet.source]
    need(sum(bool(sheet.get(row, name)) for row in sheet.rows) >= 24)
    count = change(sheet, name, act)
    d.note(f"{sheet.name}: {count} times of {name} are 00:01")


@kind("ecds")
def column_sorted(d, sheet, rng):
    """A column was sorted by itself: its values stand in other rows."""
    name = "Age_At_Arrival"
    values = sorted(sheet.get(row, name) for row in sheet.rows)
    need(len(set(values)) > 10)
    for row, value in zip(sheet.rows, values):
        sheet.put(row, name, value)
    d.must_tell = True
    d.note(f"{sheet.name}: column {name} is sorted by itself")


COMPARED = {
    "police_street": ["LSOA code", "Crime type"],
    "police_stop_search": ["Gender", "Age range"],
    "police_rms": ["Sex", "Location Type"],
    "ecds": ["Sex", "EC_Place_Of_Injury_SNOMED_CT", "NHS_Number"],
    "istv": ["ASSAULT LOCATION TYPE"],
}


@kind(*COMPARED, months=4)
def blank_in_part(d, sheet, rng):
    """A column is blank in every second row, or in a block in the middle, of one file."""
    columns = [name for name in COMPARED[sheet.source] if name in sheet.header and all(sheet.get(row, name) for row in sheet.rows)]
    count = len(sheet.rows)
    need(columns and count >= 24)
    name = rng.choice(columns)
    half = set(range(0, count, 2)) if rng.random() < 0.5 else set(range(count // 4, count // 4 + count // 2))
    change(sheet, name, lambda _: "", half)
    d.must_tell = True
    d.note(f"{sheet.name}: column {name} is blank in {len(half)} of {count} rows")


@kind(*COMPARED, months=4)
def one_value(d, sheet, rng):
    """A column holds one value in all rows of one file."""
    columns = [
        name
        for name in COMPARED[sheet.source]
        if name in sheet.header and all(len({other.get(row, name) for row in other.rows}) > 4 for other in d.sheets if other.source == sheet.source)
    ]
    need(columns and len(sheet.rows) >= 24)
    name = rng.choice(columns)
    value = next(sheet.get(row, name) for row in sheet.rows if sheet.get(row, name))
    for row in sheet.rows:
        sheet.put(row, name, value)
    d.must_tell = True
    d.note(f"{sheet.name}: column {name} holds one value")


@kind("police_rms", "ecds", whole=True)
def zeros_lost(d, sheet, rng):
    """Ids of eight digits lost the zeros before them in half of the rows, as a spreadsheet takes them off."""
    name = NUMBERED[sheet.source]
    ids = {}
    for other in d.sheets:
        if other.source == sheet.source:
            for row, true in zip(other.rows, d.rows(other)):
                new = ids.setdefault(other.get(row, name), f"{len(ids) * 7 + 1:08d}")
                other.put(row, name, new)
                true[name] = new
    half = {row_id for row_id in sorted({sheet.get(row, name) for row in sheet.rows}) if rng.random() < 0.5}
    need(len(half) >= 8 and len(sheet.rows) - len(half) >= 8)
    change(sheet, name, lambda text: text.lstrip("0") if text in half else text)
    d.must_tell = True
    d.note(f"{sheet.name}: {len(half)} of {name} lost their zeros")


@kind(*PLACES)
def coordinates_cut(d, sheet, rng):
    """Coordinates rounded to a hundredth of a degree, or to hundreds of metres."""
    east, north = PLACES[sheet.source]
    need(sum(bool(sheet.get(row, east)) for row in sheet.rows) >= 20)
    if sheet.source == "police_rms":
        act = lambda text: f"{round(float(text) / 100) * 100}"  # noqa: E731
    else:
        act = lambda text: f"{float(text):.2f}"  # noqa: E731
    for name in (east, north):
        change(sheet, name, act)
    d.must_tell = True
    d.note(f"{sheet.name}: coordinates are cut")


@kind("police_street", whole=True)
def blocks_sorted_apart(d, sheet, rng):
    """The columns of the small area were sorted apart from those of the point."""
    columns = ["LSOA code", "LSOA name"]
    filled = [row for row in sheet.rows if sheet.get(row, columns[0]) and sheet.get(row, "Longitude")]
    need(len(filled) >= 40)
    values = sorted(tuple(sheet.get(row, name) for name in columns) for row in filled)
    moved = [district_of_lsoa(sheet.get(row, columns[0])) != district_of_lsoa(value[0]) for row, value in zip(filled, values)]
    need(sum(moved[:300]) > 0.2 * len(moved[:300]))
    for row, value in zip(filled, values):
        for name, text in zip(columns, value):
            sheet.put(row, name, text)
    d.must_tell = True
    d.note(f"{sheet.name}: small areas are sorted apart")


@kind("police_rms", whole=True)
def one_age(d, sheet, rng):
    """One age stands where none was known, and in every sixth row."""
    name, born, age = "Age", "Date Of Birth", "30"
    chosen = set(range(0, len(sheet.rows), 6))
    need(len(chosen) >= 25)
    for at, row in enumerate(sheet.rows):
        if at in chosen:
            sheet.put(row, born, "")
            sheet.put(row, name, age)
    d.must_tell = True
    d.note(f"{sheet.name}: {len(chosen)} rows have the age {age}")


@kind("ecds", "police_rms")
def blank_when_sent_again(d, sheet, rng):
    """A file again, in which a column is blank in half of the rows."""
    columns = [name for name in COMPARED[sheet.source] if all(sheet.get(row, name) for row in sheet.rows)]
    need(columns and len(sheet.rows) >= 40)
    first = d.files()
    name = rng.choice(columns)
    change(sheet, name, lambda _: "", set(range(0, len(sheet.rows), 2)))
    d.stages = [first, {d.path(sheet): sheet.data()}]
    d.must_tell = True
    d.keeps = True
    d.note(f"{sheet.name}: sent again, and {name} is blank in half of it")
