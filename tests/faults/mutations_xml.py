"""Damage to XML returns, and to the tables of a return of children looked after."""

import xml.etree.ElementTree as ET
from copy import deepcopy

from cases import kind, need, some
from extracts import TABLES_903, clean
from figures import Part

CIN = "cin_census"


def _children(sheet):
    return list(sheet.children())


def _ids(child):
    return child.find("ChildIdentifiers")


@kind(CIN)
def xml_cut(d, sheet, rng):
    """The document ends too early."""
    share = rng.uniform(0.2, 0.98)
    sheet.spoil.append(lambda data: data[: int(len(data) * share)])
    d.note(f"{sheet.name}: cut at {share:.0%}")


@kind(CIN)
def xml_cut_at_a_child(d, sheet, rng):
    """The document ends after a child, without the ends of what is open."""
    count = rng.randrange(1, len(_children(sheet)))

    def spoil(data):
        at = -1
        for _ in range(count):
            at = data.index(b"</Child>", at + 1)
        return data[: at + 8]

    sheet.spoil.append(spoil)
    d.note(f"{sheet.name}: cut after child {count}")


@kind(CIN)
def xml_zeros(d, sheet, rng):
    """Zeros to the end."""
    share = rng.uniform(0.2, 0.98)
    sheet.spoil.append(lambda data: data[: int(len(data) * share)] + bytes(len(data) - int(len(data) * share)))
    d.note(f"{sheet.name}: zeros from {share:.0%}")


@kind(CIN)
def xml_second_root(d, sheet, rng):
    """Two documents in one file: the second root holds other children."""
    other = deepcopy(sheet)
    children, half = _children(other), len(_children(other)) // 2
    for at, child in enumerate(children):
        (other.children().remove(child)) if at < half else sheet.children().remove(_children(sheet)[half])
    text = other.text().encode()
    sheet.spoil.append(lambda data: data + text + b"\n")
    d.note(f"{sheet.name}: a second root with half of the children")


@kind(CIN)
def xml_second_children(d, sheet, rng):
    """The children in two lists of one document."""
    children = _children(sheet)
    more = ET.SubElement(sheet.root, "Children")
    for child in children[len(children) // 2 :]:
        sheet.children().remove(child)
        more.append(child)
    d.note(f"{sheet.name}: two elements Children")


@kind(CIN)
def xml_wrapped(d, sheet, rng):
    """Some children lie in an element of their own."""
    wrapper = ET.Element(rng.choice(["Group", "Batch", "Team"]))
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 4)):
        sheet.children().remove(child)
        wrapper.append(child)
    sheet.children().append(wrapper)
    d.named = {wrapper.tag}
    d.note(f"{sheet.name}: a quarter of the children inside {wrapper.tag}")


@kind(CIN)
def xml_moved(d, sheet, rng):
    """Assessments, enquiries or plans stand beside the case in place of inside it."""
    tag, count = rng.choice(["Assessments", "Section47", "ChildProtectionPlans"]), 0
    for child in _children(sheet):
        for case in child.findall("CINdetails"):
            for element in case.findall(tag):
                case.remove(element)
                child.append(element)
                count += 1
    need(count)
    d.named = {tag}
    d.note(f"{sheet.name}: {count} {tag} outside CINdetails")


@kind(CIN)
def xml_renamed(d, sheet, rng):
    """An element has another name, or the same in another case."""
    tag = rng.choice(["Assessments", "Section47", "ChildProtectionPlans", "PersonBirthDate", "Sex", "LAchildID", "CINreferralDate", "UPN"])
    elements = list(sheet.root.iter(tag))
    need(elements)
    new = rng.choice([tag.lower(), tag + "s", tag.upper()])
    need(new != tag)
    for element in elements:
        element.tag = new
    d.named = {new}
    d.note(f"{sheet.name}: {tag} is called {new}")


@kind(CIN)
def xml_child_renamed(d, sheet, rng):
    """Some children are called otherwise."""
    new = rng.choice(["child", "CHILD", "ChildRecord"])
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 3)):
        child.tag = new
    d.named = {new}
    d.note(f"{sheet.name}: a third of the children are called {new}")


@kind(CIN)
def xml_encoding_lies(d, sheet, rng):
    """The declaration names another encoding than that of the bytes."""
    said, written = rng.choice([("utf-16", "utf-8"), ("us-ascii", "utf-8"), ("utf-8", "utf-16"), ("utf-8", "windows-1252"), ("", "utf-16")])
    ids = _ids(_children(sheet)[0])
    ET.SubElement(ids, "Remark").text = "Zoë – Müller"
    sheet.declaration = f'<?xml version="1.0" encoding="{said}"?>\n' if said else ""
    sheet.encoding = written
    d.note(f"{sheet.name}: says {said or 'nothing'}, is {written}")


@kind(CIN)
def xml_bare_ampersand(d, sheet, rng):
    """An ampersand or less-than sign that was not escaped."""
    sign = rng.choice([b"&", b"<", b"&nbsp;"])
    count = rng.randrange(len(_children(sheet)))

    def spoil(data):
        at = -1
        for _ in range(count + 1):
            at = data.index(b"<LAchildID>", at + 1)
        return data[: at + 11] + sign + data[at + 11 :]

    sheet.spoil.append(spoil)
    d.note(f"{sheet.name}: {sign.decode()} in the id of child {count + 1}")


@kind(CIN)
def xml_header_differs(d, sheet, rng):
    """The header names another year or reference date than the file's name."""
    if rng.random() < 0.5:
        sheet.root.find("Header/CollectionDetails/Year").text = "2022"
        d.note(f"{sheet.name}: the header says 2022")
    else:
        sheet.root.find("Header/CollectionDetails/ReferenceDate").text = "2022-03-31"
        sheet.root.find("Header/CollectionDetails/Year").text = "2022"
        d.note(f"{sheet.name}: the header says 2022 and 2022-03-31")
    d.must_tell = True


@kind(CIN)
def xml_header_missing(d, sheet, rng):
    """No header, or no authority in it."""
    if rng.random() < 0.5:
        sheet.root.remove(sheet.root.find("Header"))
        d.note(f"{sheet.name}: no header")
    else:
        source = sheet.root.find("Header/Source")
        source.remove(source.find("LEA"))
        d.note(f"{sheet.name}: no authority")


@kind(CIN)
def xml_children_twice(d, sheet, rng):
    """Some children stand twice, word for word."""
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 4)):
        sheet.children().append(deepcopy(child))
    d.note(f"{sheet.name}: a quarter of the children twice")


@kind(CIN)
def xml_dates(d, sheet, rng):
    """Dates of an element in another form."""
    tag = rng.choice(["PersonBirthDate", "CINreferralDate", "AssessmentActualStartDate", "CINclosureDate"])
    way = rng.choice(["uk", "time", "two digits", "us"])
    count = 0
    for element in sheet.root.iter(tag):
        if element.text:
            year, month, day = element.text.split("-")
            forms = {
                "uk": f"{day}/{month}/{year}",
                "time": f"{element.text}T00:00:00",
                "two digits": f"{day}/{month}/{year[2:]}",
                "us": f"{month}/{day}/{year}",
            }
            element.text = forms[way]
            count += 1
    need(count)
    d.note(f"{sheet.name}: {tag} in the form {way}")


@kind(CIN)
def xml_emptied(d, sheet, rng):
    """An element has no text in any child."""
    tag = rng.choice(["PersonBirthDate", "Sex", "UPN", "CINreferralDate"])
    elements = [element for element in sheet.root.iter(tag) if element.text]
    need(len(elements) > 3)
    for element in elements:
        element.text = None
    d.note(f"{sheet.name}: {tag} is empty in {len(elements)} places")


@kind(CIN)
def xml_element_twice(d, sheet, rng):
    """An element that stands once stands twice, with different texts."""
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 5)):
        ids = _ids(child)
        at = list(ids).index(ids.find("PersonBirthDate"))
        extra = ET.Element("PersonBirthDate")
        extra.text = "1999-01-01"
        ids.insert(at, extra)
    d.must_tell = True
    d.note(f"{sheet.name}: two dates of birth in a fifth of the children")


@kind(CIN)
def xml_filler_dates(d, sheet, rng):
    """Dates of birth that stand for "not known"."""
    text = rng.choice(["1900-01-01", "9999-12-31", "1899-12-30"])
    true = {child.findtext("ChildIdentifiers/LAchildID"): child for child in d.rows(sheet).find("Children")}
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 5)):
        _ids(child).find("PersonBirthDate").text = text
        true[_ids(child).findtext("LAchildID")].find("ChildIdentifiers/PersonBirthDate").text = None
    d.note(f"{sheet.name}: date of birth {text} in a fifth of the children")


@kind(CIN, alone=True)
def two_authorities(d, sheet, rng):
    """Two authorities' returns of one year, the authority in the name or in a folder; ids of children are the same numbers."""
    children = _children(sheet)
    other = deepcopy(sheet)
    half = len(children) // 2
    need(half > 2)
    for at in range(len(children)):
        if at < half:
            sheet.children().remove(children[at])
        else:
            other.children().remove(list(other.children())[half])
    other.root.find("Header/Source/LEA").text = "988"
    for mine, yours in zip(_children(sheet), _children(other)):
        _ids(yours).find("LAchildID").text = _ids(mine).findtext("LAchildID")
    d.parts[sheet.name] = Part(CIN, sheet.records())
    # In the order of knowledge the other authority's return of the year stands beside this one.
    d.parts = dict(sorted((d.parts | {f"{sheet.name} of 988": Part(CIN, other.records())}).items()))
    way = rng.choice([(f"989_{sheet.name}", f"988_{sheet.name}"), (f"north/{sheet.name}", f"south/{sheet.name}")])
    files = d.files(d.others(sheet))
    first, second = {d.path(sheet, way[0]): sheet.data()}, {d.path(sheet, way[1]): other.data()}
    d.stages = [files | first | second] if rng.random() < 0.5 else [files | first, second]
    d.damaged |= {name.split("/")[-1] for name in way}
    d.note(f"{way[0]} of 989 and {way[1]} of 988")


@kind(CIN, expect="harmless")
def xml_written_otherwise(d, sheet, rng):
    """Comments, other white space, a namespace, other order of elements: the same return."""
    way = rng.choice(["comments", "one line", "namespace", "order", "attributes"])
    if way == "comments":
        sheet.children().insert(1, ET.Comment(" <Child> of the second team follows "))
    elif way == "one line":
        for element in sheet.root.iter():
            element.tail = None
            if len(element):
                element.text = None
    elif way == "namespace":
        sheet.root.set("xmlns", "http://www.example.org/cin")
    elif way == "order":
        for child in _children(sheet):
            parts = list(child)
            for part in parts:
                child.remove(part)
            child.extend(reversed(parts))
    else:
        for child in _children(sheet):
            child.set("source", "system")
    d.note(f"{sheet.name}: {way}")


@kind(CIN, expect="harmless")
def xml_more_elements(d, sheet, rng):
    """Elements of the census that no figure rests on."""
    for child in rng.sample(_children(sheet), max(1, len(_children(sheet)) // 3)):
        ET.SubElement(child.find("ChildCharacteristics"), "FreeSchoolMeals").text = "true"
    d.note(f"{sheet.name}: an element more")


@kind("ssda903", whole_source=True, tells=("missing_months", "no_file", "missing_tables"))
def table_missing(d, sheet, rng):
    """One table of the return is not there."""
    d.stages = [d.files(d.others(sheet))]
    need(sheet.rows)
    d.note(f"no {sheet.name}")


@kind("ssda903", years=1)
def two_authorities_of_children_looked_after(d, sheet, rng):
    """Two authorities' returns, the authority in the name; ids of children are the same numbers."""
    for its in d.sheets:
        d.parts[f"{its.name} of 988"] = Part(its.source, [{**row, "_authority": "988"} for row in its.records()], d.parts[its.name].table)
        d.damaged |= {f"989_{its.name}", f"988_{its.name}"}
    first = {d.path(its, f"989_{its.name}"): its.data() for its in d.sheets}
    for its in d.sheets:
        # Files of equal bytes would be one delivery under two names.
        need(len(its.rows) > 1)
        its.rows.reverse()
    second = {d.path(its, f"988_{its.name}"): its.data() for its in d.sheets}
    d.stages = [first, second] if rng.random() < 0.5 else [first | second]
    d.note("the returns of 989 and 988, whose children have the same ids")


@kind("ssda903")
def tables_exchanged(d, sheet, rng):
    """Two tables of the return under each other's names."""
    other = rng.choice([one for one in d.others(sheet) if one.name[:12] == sheet.name[:12]])
    d.stages = [{**d.files(), d.path(sheet): other.data(), d.path(other): sheet.data()}]
    d.damaged.add(other.name)
    d.note(f"{sheet.name} and {other.name} under each other's names")


@kind("ssda903")
def return_of_another_year(d, sheet, rng):
    """A table holds the rows of another year: they are known already, and this year's are not there."""
    table = next(name for name in TABLES_903 if f"_{name}." in sheet.name)
    year = "2024" if "2025" in sheet.name else "2025"
    other = clean("ssda903", year, table)
    need(other.rows != sheet.rows and table != "header")
    sheet.rows = other.rows
    d.note(f"{sheet.name} holds the rows of {year}")


@kind("ssda903")
def ends_before_it_starts(d, sheet, rng):
    """Spells that end before they start."""
    first, last = {"episodes": ("DECOM", "DEC"), "missing": ("MIS_START", "MIS_END")}.get(d.parts[sheet.name].table, ("", ""))
    need(first)
    rows = [at for at, row in enumerate(sheet.rows) if sheet.get(row, last)]
    need(len(rows) > 3)
    for at in [rows[index] for index in some(rng, len(rows), 0.1)]:
        row = sheet.rows[at]
        one, two = sheet.get(row, first), sheet.get(row, last)
        if one != two:
            sheet.put(row, first, two), sheet.put(row, last, one)
    d.note(f"{sheet.name}: {first} and {last} exchanged in some rows")
