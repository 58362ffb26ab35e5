"""Controls: deliveries without damage, and harmless changes of form. All must give the right figures; controls without a word."""

from cases import EVERY, MONTH_FILES, TEXT, kind, need, some
from extracts import packed


@kind(*EVERY, expect="control")
def untouched(d, sheet, rng):
    """The extracts as they are."""
    d.note("nothing was done")


@kind(*EVERY, expect="control")
def packed_again(d, sheet, rng):
    """Every file as gzip."""
    d.stages = [{f"{path}.gz": packed(data) for path, data in d.files().items()}]
    d.note("every file packed by gzip")


@kind(*MONTH_FILES, expect="control")
def rows_shuffled(d, sheet, rng):
    """The rows in another order."""
    rng.shuffle(sheet.rows)
    if sheet.source == "police_rms":
        # The rows of one crime agree in what they say of it, but for its people.
        sheet.rows.sort(key=lambda row: sheet.get(row, "Crime Ref")[::-1])
    d.note(f"{sheet.name}: rows in another order")


@kind(*TEXT, expect="control")
def line_ends(d, sheet, rng):
    """LF for CRLF and CRLF for LF."""
    sheet.newline = "\n" if sheet.newline == "\r\n" else "\r\n"
    d.note(f"{sheet.name}: line ends changed")


@kind(*TEXT, expect="control")
def all_quoted(d, sheet, rng):
    """Every field in quotes."""
    sheet.quote_all = True
    d.note(f"{sheet.name}: every field quoted")


@kind(*EVERY, expect="control")
def sent_again(d, sheet, rng):
    """The same files a second time."""
    d.stages = [d.files(), d.files()]
    d.note("the same files twice")


@kind("police_street", "police_stop_search", "ecds", "ssda903", expect="control")
def marked_utf8(d, sheet, rng):
    """A byte order mark."""
    sheet.bom = True
    d.note(f"{sheet.name}: byte order mark")


@kind("police_rms", "istv", expect="control")
def line_end_in_text(d, sheet, rng):
    """A quoted free text of two lines."""
    column = "MO Text" if sheet.source == "police_rms" else "ASSAULT LOCATION DESCRIPTION"
    for at in some(rng, len(sheet.rows), 0.05):
        sheet.put(sheet.rows[at], column, "first line" + sheet.newline + "second line, with a comma")
    d.note(f"{sheet.name}: {column} of two lines in some rows")


@kind(*MONTH_FILES, expect="control")
def one_after_the_other(d, sheet, rng):
    """Each month in a run of its own."""
    its = d.files()
    paths = sorted(its)
    d.stages = [{path: its[path] for path in paths if month in path} for month in d.months]
    d.note("each month in a run of its own")


@kind("police_rms", expect="control")
def revised_by_a_later_month(d, sheet, rng):
    """A later month repeats crimes of an earlier one that changed."""
    early, late = sorted((one for one in d.sheets if one.source == sheet.source), key=lambda one: one.name)[:2]
    refs = sorted({early.get(row, "Crime Ref") for row in early.rows})
    need(len(refs) > 3)
    chosen = set(rng.sample(refs, 2))
    for row in early.rows:
        if early.get(row, "Crime Ref") in chosen:
            new = list(row)
            late.put(new, "HOCR Class", "8N" if early.get(row, "HOCR Class").upper() != "8N" else "105A")
            late.rows.append(new)
    d.parts[late.name].rows = late.records()
    d.note(f"{late.name} revises two crimes of {early.name}")


# ---------------------------------------------------------------- harmless changes


@kind(*TEXT, expect="harmless")
def no_last_line_end(d, sheet, rng):
    """A whole last line without its end: a remark is fair, since a file that was cut in its last field looks alike."""
    sheet.spoil.append(lambda data: data.rstrip(b"\r\n"))
    d.note(f"{sheet.name}: the last line has no end")


@kind(*TEXT, expect="harmless")
def columns_moved(d, sheet, rng):
    """The columns in another order."""
    order = list(range(len(sheet.header)))
    rng.shuffle(order)
    sheet.header = [sheet.header[at] for at in order]
    sheet.rows = [[row[at] for at in order] for row in sheet.rows]
    d.note(f"{sheet.name}: columns in another order")


@kind(*TEXT, expect="harmless")
def header_case(d, sheet, rng):
    """The header in capitals or small letters."""
    change = rng.choice([str.upper, str.lower])
    sheet.header = [change(name) for name in sheet.header]
    d.note(f"{sheet.name}: header {change.__name__}")


@kind(*TEXT, expect="harmless")
def more_columns(d, sheet, rng):
    """Columns that the source does not know, at any place."""
    for name in ("Comments", "Exported by")[: rng.choice([1, 2])]:
        at = rng.randrange(len(sheet.header) + 1)
        sheet.header.insert(at, name)
        for row in sheet.rows:
            row.insert(at, "x, y")
    d.note(f"{sheet.name}: unknown columns")


@kind(*TEXT, expect="harmless")
def trailing_commas(d, sheet, rng):
    """Empty columns without a name after every line."""
    count = rng.choice([1, 2, 5])
    sheet.header += [""] * count
    for row in sheet.rows:
        row += [""] * count
    d.note(f"{sheet.name}: {count} commas after every line")


@kind(*TEXT, expect="harmless")
def blank_rows(d, sheet, rng):
    """Blank lines, or lines of commas, between and after the rows."""
    blank = [] if rng.random() < 0.5 else [""] * len(sheet.header)
    for _ in range(rng.choice([1, 3, 30])):
        sheet.rows.insert(rng.choice([len(sheet.rows), rng.randrange(len(sheet.rows) + 1)]), list(blank))
    d.note(f"{sheet.name}: {'blank lines' if not blank else 'lines of commas'}")


@kind(*TEXT, expect="harmless")
def blanks_around(d, sheet, rng):
    """Blanks before and after values."""
    sheet.rows = [[f" {value} " if value and rng.random() < 0.3 else value for value in row] for row in sheet.rows]
    d.note(f"{sheet.name}: blanks around values")


@kind("police_street", "police_stop_search", "police_rms", "ecds", "istv", expect="harmless")
def codes_case(d, sheet, rng):
    """Code words in another case."""
    columns = {
        "police_street": ["Crime type"],
        "police_stop_search": ["Type", "Gender"],
        "police_rms": ["Role", "Sex", "Location Type", "SDE"],
        "ecds": ["Ethnic_Category"],
        "istv": ["ASSAULT LOCATION TYPE", "ASSAULT METHOD"],
    }[sheet.source]
    for name in columns:
        for row in sheet.rows:
            sheet.put(row, name, sheet.get(row, name).swapcase())
    d.note(f"{sheet.name}: {', '.join(columns)} in another case")


@kind(*MONTH_FILES, expect="harmless")
def month_folders(d, sheet, rng):
    """A folder for each month, as data.police.uk packs them."""
    out = {}
    for path, data in d.files().items():
        folder, name = path.split("/")
        month = next(month for month in d.months if month in name)
        out[f"{folder}/{month}/{name}"] = data
    d.stages = [out]
    d.note("a folder for each month")


@kind(*EVERY, expect="harmless")
def strangers_beside(d, sheet, rng):
    """Files that are no extracts lie beside them."""
    files = d.files()
    folder = d.path(sheet).split("/")[0]
    stem, ending = sheet.name.rsplit(".", 1)
    beside = {
        "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(500),
        ".DS_Store": bytes(6148),
        f"~${sheet.name}": b"\x05user" + bytes(160),
        "readme.txt": b"sent by secure mail\n",
        f"OLD_{sheet.name}": sheet.data()[: len(sheet.data()) // 2],
        f"{sheet.name}.bak": sheet.data()[: len(sheet.data()) // 3],
        f"{sheet.name}.filepart": sheet.data()[: len(sheet.data()) // 4],
        f"{stem}.{ending}.tmp": sheet.data()[: len(sheet.data()) // 4],
    }
    for name in rng.sample(sorted(beside), 2):
        files[f"{folder}/{name}"] = beside[name]
        d.note(f"{name} lies beside the extracts")
        d.damaged.add(name)
    d.stages = [files]


@kind("police_street", "police_stop_search", expect="harmless")
def whole_download(d, sheet, rng):
    """Other tables of the same publisher in the same folder."""
    files = d.files()
    month = d.month_of(sheet)
    header = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type\n"
    folder = d.path(sheet).split("/")[0]
    files[f"{folder}/{month}-wessmark-outcomes.csv"] = header.encode()
    d.damaged.add(f"{month}-wessmark-outcomes.csv")
    d.stages = [files]
    d.note("the outcomes file of the month lies beside")


@kind("ssda903", expect="harmless")
def other_tables(d, sheet, rng):
    """Tables of the return that no feed reads."""
    files = d.files()
    for table in rng.sample(["uasc", "oc2", "oc3", "ad1", "reviews", "sbpfa", "prev_perm", "placed_adoption"], 2):
        name = f"SSDA903_2025_{table}.csv"
        files[f"ssda903/{name}"] = b"CHILD,SEX,DOB,DATE\n1,M,01/01/2010,01/05/2024\n"
        d.damaged.add(name)
    d.stages = [files]
    d.note("other tables of the return lie beside")


@kind("ssda903", "police_rms", "ecds", "cin_census", expect="harmless")
def names_case(d, sheet, rng):
    """File names in another case, as departments spell them."""
    change = rng.choice([str.upper, str.lower])
    d.stages = [{f"{path.split('/')[0]}/{change(path.split('/')[1])}": data for path, data in d.files().items()}]
    d.damaged |= {change(other.name) for other in d.sheets}
    d.note(f"file names {change.__name__}")


@kind("police_street", "police_rms", "ecds", expect="harmless")
def repeated_rows(d, sheet, rng):
    """Exact repeats of rows that have an id."""
    ids = {"police_street": "Crime ID", "police_rms": "Crime Ref", "ecds": "EC_Ident"}[sheet.source]
    those = [row for row in sheet.rows if sheet.get(row, ids)]
    need(len(those) > 5)
    again = rng.sample(those, max(1, len(those) // 5))
    for row in again:
        sheet.rows.insert(rng.randrange(len(sheet.rows) + 1), list(row))
    if sheet.source == "police_rms":
        sheet.rows.sort(key=lambda row: sheet.get(row, ids))
    d.note(f"{sheet.name}: {len(again)} rows with an id twice")


@kind("police_rms", expect="harmless")
def thousands(d, sheet, rng):
    """Thousands separators in grid references."""
    for row in sheet.rows:
        for name in ("Easting", "Northing"):
            if sheet.get(row, name).isdigit():
                sheet.put(row, name, f"{int(sheet.get(row, name)):,}")
    d.note(f"{sheet.name}: grid references with thousands separators")


@kind("police_rms", "ecds", expect="harmless")
def corrected(d, sheet, rng):
    """A month again, with a few rows corrected and none lost."""
    first = d.files()
    sex = "Sex"
    codes = {"police_rms": ("M", "F"), "ecds": ("1", "2")}[sheet.source]
    positions = some(rng, len(sheet.rows), 0.05)
    column = {"police_rms": "Nominal Ref", "ecds": "EC_Ident"}[sheet.source]
    for at in positions:
        row = sheet.rows[at]
        if not sheet.get(row, column) or sheet.get(row, sex) not in codes:
            continue
        new = codes[1 - codes.index(sheet.get(row, sex))]
        who = sheet.get(row, column)
        for other, true in zip(sheet.rows, d.rows(sheet)):
            if sheet.get(other, column) == who:
                sheet.put(other, sex, new)
                true[sex] = new
    d.stages = [first, {d.path(sheet): sheet.data()}]
    d.note(f"{sheet.name}: sent again with corrected rows")
