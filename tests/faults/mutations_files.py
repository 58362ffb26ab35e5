"""Damage to deliveries: names, slots, senders, order, months that are missing or came twice."""

from copy import deepcopy

from cases import EVERY, MONTH_FILES, kind, need
from extracts import MONTHS, clean, packed


def _its(d, sheet):
    """Sheets of the damaged source in the order of their months."""
    return sorted((other for other in d.sheets if other.source == sheet.source), key=lambda other: other.name)


@kind(*MONTH_FILES, alone=True)
def month_under_another_name(d, sheet, rng):
    """A month sent under the name of another, whose own file is not there."""
    other = next(other for other in _its(d, sheet) if other is not sheet)
    files = d.files(d.others(other))
    del files[d.path(sheet)]
    files[d.path(other)] = sheet.data()
    d.stages = [files]
    _lost(d, other)
    d.damaged.add(other.name)
    d.note(f"{sheet.name} sent as {other.name}, which is not there")


@kind(*MONTH_FILES)
def month_again_under_another_name(d, sheet, rng):
    """A month, and the same once more under the name of another, whose own file is not there."""
    other = next(other for other in _its(d, sheet) if other is not sheet)
    files = d.files(d.others(other))
    files[d.path(other)] = sheet.data()
    d.stages = [files]
    _lost(d, other)
    d.damaged.add(other.name)
    d.note(f"{sheet.name} sent as {other.name} too, which is not there")


def _lost(d, sheet):
    """A month of which there is no file."""
    del d.parts[sheet.name]
    # Where another source knows the month, the sum of both is not known all the same.
    d.unknown.add(d.month_of(sheet))


@kind(*MONTH_FILES, months=3, alone=True, tells=("missing_months", "no_file"), whole_source=True)
def month_missing(d, sheet, rng):
    """No file of one month."""
    gone = rng.choice(_its(d, sheet))
    d.stages = [d.files(d.others(gone))]
    _lost(d, gone)
    d.damaged.add(gone.name)
    d.note(f"no {gone.name}")


@kind(*MONTH_FILES, alone=True, tells=("missing_months", "no_file", "passed_over"), whole_source=True)
def partial_name_only(d, sheet, rng):
    """One month is there only under the name of a partial upload or a backup, cut short."""
    name = rng.choice([f"{sheet.name}.filepart", f"{sheet.name}.part", f"~${sheet.name}", f"{sheet.name}.bak", f"{sheet.name}.crdownload"])
    files = d.files(d.others(sheet))
    files[d.path(sheet, name)] = sheet.data()[: len(sheet.data()) * 2 // 3]
    d.stages = [files]
    _lost(d, sheet)
    d.damaged.add(name)
    d.note(f"{name} in place of {sheet.name}")


@kind(*EVERY)
def copy_beside(d, sheet, rng):
    """A copy of an extract beside it, under the name that a copy gets."""
    stem, ending = sheet.name.rsplit(".", 1)
    name = rng.choice([f"{stem} (1).{ending}", f"Copy of {sheet.name}", f"{stem} - Copy.{ending}", f"{stem}_v2.{ending}", f"{stem}_final.{ending}"])
    d.stages = [{**d.files(), d.path(sheet, name): sheet.data()}]
    d.damaged.add(name)
    d.note(f"{name} beside {sheet.name}")


@kind(*EVERY)
def older_copy_beside(d, sheet, rng):
    """An older version with fewer rows beside an extract, under the name of a copy or packed."""
    stem, ending = sheet.name.rsplit(".", 1)
    name = rng.choice([f"{stem} (1).{ending}", f"{stem}_old.{ending}", f"OLD_{sheet.name}", f"{sheet.name}.gz", f"{stem}_20240101.{ending}"])
    older = deepcopy(sheet)
    if hasattr(older, "rows"):
        need(len(older.rows) > 3)
        older.rows = older.rows[: len(older.rows) * 2 // 3]
    else:
        children = older.children()
        for child in list(children)[len(children) // 2 :]:
            children.remove(child)
    data = packed(older.data()) if name.endswith(".gz") else older.data()
    d.stages = [{**d.files(), d.path(sheet, name): data}]
    d.damaged.add(name)
    d.note(f"{name} with fewer rows beside {sheet.name}")


@kind("ecds", "istv", alone=True)
def two_senders(d, sheet, rng):
    """Two trusts send the same month, each its own rows, its code in the name."""
    _two(d, sheet, rng, lambda code, name: f"{code}_{name}")


@kind("ecds", "istv", "police_rms", alone=True)
def two_senders_by_folder(d, sheet, rng):
    """Two senders' files of the same name, in two folders."""
    _two(d, sheet, rng, lambda code, name: f"{code}/{name}")


@kind("ecds", "istv", alone=True)
def two_senders_in_turn(d, sheet, rng):
    """Two trusts send the same month one after the other, each its code in the name."""
    _two(d, sheet, rng, lambda code, name: f"{code}_{name}", turns=True)


@kind("ecds", "istv", alone=True)
def two_senders_in_turn_by_content(d, sheet, rng):
    """Two trusts send the same month one after the other under one name: only the rows say whose they are."""
    _two(d, sheet, rng, lambda code, name: name, turns=True)


@kind("ecds", "istv", alone=True)
def sender_of_the_name_differs(d, sheet, rng):
    """The file's name gives the code of another trust than the rows."""
    name = f"RK9_{sheet.name}"
    d.stages = [{**d.files(d.others(sheet)), d.path(sheet, name): sheet.data()}]
    d.damaged.add(name)
    d.must_tell = True
    d.note(f"{name} holds rows of another trust")


def _own(sheet, trust):
    """Writes a trust's code into the rows that say who sends."""
    for name, value in (("Provider_Code", trust), ("Site_Code_of_Treatment", f"{trust}01"), ("SITE CODE (OF TREATMENT)", f"{trust}01")):
        if name in sheet.header:
            for row in sheet.rows:
                sheet.put(row, name, value)


def _two(d, sheet, rng, name_of, turns=False):
    one, other = rng.sample(["RK9", "RH8", "RBZ", "REF", "RA9"], 2)
    first, second = {}, {}
    for its in _its(d, sheet):
        need(len(its.rows) > 5)
        half = deepcopy(its)
        cut = len(its.rows) // 2
        while its.source == "police_rms" and cut < len(its.rows) and its.rows[cut][0] == its.rows[cut - 1][0]:
            cut += 1
        half.rows, its.rows = its.rows[cut:], its.rows[:cut]
        need(half.rows)
        _own(its, one), _own(half, other)
        first[d.path(its, name_of(one, its.name))] = its.data()
        second[d.path(its, name_of(other, its.name))] = half.data()
        d.damaged |= {its.name, name_of(one, its.name).split("/")[-1], name_of(other, its.name).split("/")[-1]}
    d.stages = [first, second] if turns else [first | second]
    d.note(f"{', '.join(sorted(first))} of {one} and {', '.join(sorted(second))} of {other}: half of the rows each")


@kind("police_street", "police_stop_search", alone=True)
def two_forces(d, sheet, rng):
    """Two forces' files of the same months."""
    files = {}
    for its in _its(d, sheet):
        half = deepcopy(its)
        half.rows, its.rows = its.rows[len(its.rows) // 2 :], its.rows[: len(its.rows) // 2]
        need(half.rows and its.rows)
        name = its.name.replace("wessmark", "north-wessmark")
        files |= {d.path(its): its.data(), d.path(its, name): half.data()}
        d.damaged.add(name)
    d.stages = [files]
    d.note("half of the rows in the files of another force")


@kind("ecds", alone=True)
def two_trusts_share_ids(d, sheet, rng):
    """Two trusts whose ids of attendances are the same numbers."""
    files = {}
    for its in _its(d, sheet):
        need(len(its.rows) > 5)
        half = deepcopy(its)
        half.rows, its.rows = its.rows[len(its.rows) // 2 :], its.rows[: len(its.rows) // 2]
        for at, row in enumerate(half.rows[: len(its.rows)]):
            half.put(row, "EC_Ident", its.get(its.rows[at], "EC_Ident"))
        _own(its, "RK9"), _own(half, "RH8")
        files |= {d.path(its, f"RK9_{its.name}"): its.data(), d.path(its, f"RH8_{its.name}"): half.data()}
        d.damaged |= {f"RK9_{its.name}", f"RH8_{its.name}"}
    d.stages = [files]
    d.note("two trusts, the same ids for other attendances")


@kind("police_rms", alone=True)
def older_extract_late(d, sheet, rng):
    """A later extract revises crimes of an earlier one; the earlier one arrives last."""
    early, late = _its(d, sheet)[:2]
    refs = sorted({early.get(row, "Crime Ref") for row in early.rows})
    need(len(refs) > 3)
    chosen = set(rng.sample(refs, 3))
    for row in early.rows:
        if early.get(row, "Crime Ref") in chosen:
            new = list(row)
            early.put(new, "HOCR Class", "8N" if early.get(row, "HOCR Class").upper() != "8N" else "105A")
            late.rows.append(new)
    d.parts[late.name].rows = late.records()
    files = d.files()
    first = {path: data for path, data in files.items() if path != d.path(early)}
    d.stages = [first, {d.path(early): files[d.path(early)]}]
    d.damaged |= {early.name, late.name}
    d.note(f"{early.name} arrives after {late.name}, which revises three of its crimes")


@kind("cin_census", "ssda903", years=2, table="episodes")
def older_return_late(d, sheet, rng):
    """Last year's return arrives after this year's, which closes what was open."""
    files = d.files()
    old = {path: data for path, data in files.items() if "2024" in path}
    d.stages = [{path: data for path, data in files.items() if path not in old}, old]
    d.damaged |= {path.split("/")[1] for path in files}
    d.note("the return of 2024 arrives after that of 2025")


@kind(*EVERY)
def fewer_rows_when_sent_again(d, sheet, rng):
    """A file again with far fewer rows."""
    first = d.files()
    if hasattr(sheet, "rows"):
        need(len(sheet.rows) > 6)
        sheet.rows = sheet.rows[: round(len(sheet.rows) * rng.choice([0.3, 0.6, 0.8]))]
    else:
        children = sheet.children()
        for child in list(children)[len(children) // 2 :]:
            children.remove(child)
    d.stages = [first, {d.path(sheet): sheet.data()}]
    d.keeps = True
    d.note(f"{sheet.name}: sent again with fewer rows")


@kind(*EVERY)
def nothing_when_sent_again(d, sheet, rng):
    """A file again with its header only."""
    first = d.files()
    if hasattr(sheet, "rows"):
        sheet.rows = []
    else:
        sheet.children().clear()
    d.stages = [first, {d.path(sheet): sheet.data()}]
    d.keeps = True
    d.note(f"{sheet.name}: sent again without rows")


@kind(*MONTH_FILES, alone=True)
def wrong_name_then_right(d, sheet, rng):
    """February as March, then February under its own name, then the true March."""
    early, late = _its(d, sheet)[:2]
    base = d.files([other for other in d.sheets if other not in (early, late)])
    d.stages = [{**base, d.path(late): early.data()}, {d.path(early): early.data()}, {d.path(late): late.data()}]
    d.damaged |= {early.name, late.name}
    d.note(f"{early.name} as {late.name}, then under its own name, then the true {late.name}")


@kind(*MONTH_FILES)
def month_of_another_year(d, sheet, rng):
    """A file that holds the same month of another year."""
    month = d.month_of(sheet)
    other = next((one for one in MONTHS if one[5:] == month[5:] and one not in d.months), None)
    need(other)
    wrong = clean(sheet.source, other, limit=40, rng=rng)
    need(wrong.rows)
    sheet.rows = wrong.rows
    _lost(d, sheet)
    d.note(f"{sheet.name} holds the rows of {other}")


@kind(*MONTH_FILES, alone=True, tells=("missing_months", "no_file", "passed_over"), whole_source=True)
def name_that_fits_nothing(d, sheet, rng):
    """One file under a name that the source does not know."""
    month = d.month_of(sheet)
    year, number = month.split("-")
    name = sheet.name.replace(month, rng.choice([f"{year}{number}", f"{number}-{year}", f"{year}_{number}", f"{year}-{int(number)}x"]))
    files = d.files(d.others(sheet))
    files[d.path(sheet, name)] = sheet.data()
    d.stages = [files]
    d.damaged.add(name)
    d.note(f"{sheet.name} is called {name}")


@kind("police_rms", "ecds")
def revised_by_a_new_name(d, sheet, rng):
    """A month in two files of one slot, the second with other rows: nobody can know which holds."""
    need(len(sheet.rows) > 8)
    other = deepcopy(sheet)
    half = len(sheet.rows) // 2
    other.rows = sheet.rows[half:]
    files = d.files()
    folder = d.path(sheet).split("/")[0]
    files[f"{folder}/part2/{sheet.name}"] = other.data()
    d.stages = [files]
    d.note(f"{sheet.name} and a second file of that name with half of its rows")
