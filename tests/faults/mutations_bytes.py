"""Damage to bytes and lines: what transfer, storage and editors do to a file."""

import csv

from cases import EVERY, MONTH_FILES, TEXT, Unfit, kind, need, some
from extracts import packed


def _ends(sheet):
    """Byte offsets at which the records of a sheet end, header first."""
    at, out = 3 if sheet.bom and sheet.encoding == "utf-8" else 0, []
    for row in [sheet.header, *sheet.rows]:
        at += len(sheet.encode(sheet.line(row)))
        out.append(at)
    return out


def _inside(sheet, rng):
    """An offset inside a record of the later part of a sheet, with at least two fields cut off."""
    ends = _ends(sheet)
    at = rng.randrange(max(1, len(ends) // 3), len(ends))
    row = sheet.encode(sheet.line(sheet.rows[at - 1]))
    head = row[: row.rfind(b",", 0, row.rfind(b","))]
    need(len(head) > 4)
    return ends[at - 1] + rng.randrange(2, len(head))


@kind(*TEXT)
def cut(d, sheet, rng):
    """The file ends inside a record."""
    at = _inside(sheet, rng)
    sheet.spoil.append(lambda data: data[:at])
    d.note(f"{sheet.name}: cut at byte {at}")


@kind(*TEXT)
def cut_when_sent_again(d, sheet, rng):
    """A whole file, then the same cut."""
    first = d.files()
    at = _inside(sheet, rng)
    sheet.spoil.append(lambda data: data[:at])
    d.stages = [first, {d.path(sheet): sheet.data()}]
    d.keeps = True
    d.note(f"{sheet.name}: sent again, cut at byte {at}")


@kind(*TEXT)
def tail_of_zeros(d, sheet, rng):
    """Zeros from some byte to the end, as a full disk leaves them."""
    at = rng.choice([_inside(sheet, rng), rng.choice(_ends(sheet)[1:-1])])
    sheet.spoil.append(lambda data: data[:at] + bytes(len(data) - at))
    d.note(f"{sheet.name}: zeros from byte {at}")


@kind(*TEXT)
def zeros_after_the_end(d, sheet, rng):
    """Zeros after the last record."""
    count = rng.choice([1, 100, 4096])
    sheet.spoil.append(lambda data: data + bytes(count))
    d.note(f"{sheet.name}: {count} zeros after the end")


@kind(*TEXT)
def hole_of_zeros(d, sheet, rng):
    """A block of zeros in the middle."""
    at, size = _inside(sheet, rng), rng.choice([64, 512, 1024])
    sheet.spoil.append(lambda data: data[:at] + bytes(min(size, len(data) - at)) + data[at + size :])
    d.note(f"{sheet.name}: {size} zeros at byte {at}")


@kind(*TEXT)
def quote_opened(d, sheet, rng):
    """A quote opens at the start of a field and closes many lines later."""
    ends = _ends(sheet)
    need(len(ends) > 8)
    first = rng.randrange(1, len(ends) // 2)
    last = rng.randrange(first + 2, len(ends))
    begin, end = ends[first - 1], ends[last] - len(sheet.newline)
    column = rng.randrange(3)

    def spoil(data):
        start = begin
        for _ in range(column):
            start = data.index(b",", start) + 1
        return data[:start] + b'"' + data[start:end] + b'"' + data[end:]

    sheet.spoil.append(spoil)
    d.note(f"{sheet.name}: a quote from row {first} to row {last}")


@kind(*TEXT)
def quote_over_two_lines(d, sheet, rng):
    """A quote opens at the start of a field and closes at the end of a field of the next line."""
    ends = _ends(sheet)
    need(len(ends) > 4)
    row = rng.randrange(1, len(ends) - 1)
    columns = len(sheet.header)
    need(all('"' not in sheet.line(sheet.rows[at - 1]) for at in (row, row + 1)))
    first, last = rng.randrange(columns), rng.randrange(columns)
    if rng.random() < 0.5:
        last = first

    def spoil(data):
        lines = [data[ends[at - 1] : ends[at] - len(sheet.newline)] for at in (row, row + 1)]
        upper, lower = (line.split(b",") for line in lines)
        upper[first] = b'"' + upper[first]
        lower[last] += b'"'
        return data[: ends[row - 1]] + b",".join(upper) + sheet.encode(sheet.newline) + b",".join(lower) + data[ends[row + 1] - len(sheet.newline) :]

    sheet.spoil.append(spoil)
    d.note(f"{sheet.name}: a quote from row {row}, field {first + 1}, to field {last + 1} of the next")


@kind(*TEXT)
def quote_never_closed(d, sheet, rng):
    """A quote opens and never closes."""
    begin = rng.choice(_ends(sheet)[1:-2])
    sheet.spoil.append(lambda data: data[:begin] + b'"' + data[begin:].replace(b'"', b""))
    d.note(f"{sheet.name}: a quote from byte {begin} to the end")


@kind(*TEXT)
def doubled(d, sheet, rng):
    """The file twice in one, its header in the middle."""
    sheet.spoil.append(lambda data: data + data)
    d.note(f"{sheet.name}: the file twice in one")


@kind(*TEXT)
def line_end_lost(d, sheet, rng):
    """Two records on one line."""
    at = rng.choice(_ends(sheet)[1:-1])
    size = len(sheet.newline)
    sheet.spoil.append(lambda data: data[: at - size] + data[at:])
    d.note(f"{sheet.name}: no line end at byte {at}")


@kind(*TEXT)
def line_broken(d, sheet, rng):
    """A line end inside a record, outside quotes."""
    at = _inside(sheet, rng)
    end = sheet.encode(sheet.newline)
    need(sheet.data()[:at].count(b'"') % 2 == 0)
    sheet.spoil.append(lambda data: data[:at] + end + data[at:])
    d.note(f"{sheet.name}: a line end at byte {at}")


@kind(*TEXT)
def title_lines(d, sheet, rng):
    """Title lines above the header."""
    lines = rng.sample([b"Monthly extract", b"Official - Sensitive,,,", b"", b"Produced on 3 April 2025 by performance team"], rng.choice([1, 2, 3]))
    sheet.spoil.append(lambda data: b"\r\n".join(lines) + b"\r\n" + data)
    d.note(f"{sheet.name}: {len(lines)} lines above the header")


FOOTERS = (b"Source: performance team", b"(%d rows affected)", b"END OF REPORT", b"Total: %d", b"*** end of file ***", b"OFFICIAL-SENSITIVE")


@kind(*TEXT)
def footer(d, sheet, rng):
    """A line after the records that is none, bare or with as many commas as a record."""
    text = rng.choice(FOOTERS).replace(b"%d", b"%d" % len(sheet.rows))
    commas = b"," * (len(sheet.header) - 1) if rng.random() < 0.6 else b""
    end = sheet.encode(sheet.newline)
    above = end if rng.random() < 0.3 else b""
    sheet.spoil.append(lambda data: data + above + text + commas + end)
    d.note(f"{sheet.name}: footer {text.decode()}{' with commas' if commas else ''}")


@kind(*TEXT)
def total_row(d, sheet, rng):
    """A row of totals: the word in one column, the count in another."""
    row = [""] * len(sheet.header)
    row[0], row[rng.randrange(1, len(row))] = rng.choice(["Total", "TOTAL", "Grand total", "Count"]), str(len(sheet.rows))
    sheet.rows.append(row)
    d.note(f"{sheet.name}: a row of totals")


@kind(*TEXT)
def header_again(d, sheet, rng):
    """The header a second time between the rows, as joined files have it."""
    at = rng.randrange(1, len(sheet.rows))
    sheet.rows.insert(at, list(sheet.header))
    d.note(f"{sheet.name}: the header again at row {at + 1}")


@kind(*TEXT)
def utf16(d, sheet, rng):
    """The file as UTF-16, with or without its mark."""
    form = rng.choice(["utf-16", "utf-16-le", "utf-16-be"])
    sheet.bom, sheet.encoding = False, form
    text = "".join(sheet.line(row) for row in [sheet.header, *sheet.rows])
    sheet.spoil.append(lambda data: text.encode(form))
    d.note(f"{sheet.name}: {form}")


@kind("police_rms", "ecds", "istv")
def other_encoding(d, sheet, rng):
    """Names and places with letters outside ASCII in the other one of UTF-8 and Windows-1252."""
    column = {"police_rms": "Surname", "ecds": "Person_Family_Name", "istv": "ASSAULT LOCATION DESCRIPTION"}[sheet.source]
    for at in some(rng, len(sheet.rows), 0.1):
        sheet.put(sheet.rows[at], column, "Müller-Ibáñez")
    sheet.encoding = "utf-8" if sheet.encoding == "windows-1252" else "windows-1252"
    sheet.bom = False
    d.note(f"{sheet.name}: {sheet.encoding}")


@kind(*TEXT)
def other_delimiter(d, sheet, rng):
    """Semicolons, tabs or bars for commas."""
    sheet.delimiter = rng.choice([";", "\t", "|"])
    d.note(f"{sheet.name}: delimiter {sheet.delimiter!r}")


@kind(*TEXT)
def odd_line_ends(d, sheet, rng):
    """Bare carriage returns, or a mixture of line ends."""
    if rng.random() < 0.5:
        sheet.newline = "\r"
        d.note(f"{sheet.name}: bare carriage returns")
        return
    need(sheet.newline == "\n" and b'"' not in sheet.data())
    lines = sheet.data().split(b"\n")
    text = b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in lines[:-1])
    sheet.spoil.append(lambda data: text)
    d.note(f"{sheet.name}: both kinds of line end")


@kind(*EVERY)
def gzip_cut(d, sheet, rng):
    """A gzip file that ends too early."""
    data = packed(sheet.data())
    at = rng.randrange(len(data) // 2, len(data) - 1)
    d.stages = [{**d.files(d.others(sheet)), f"{d.path(sheet)}.gz": data[:at]}]
    d.note(f"{sheet.name}.gz: cut at byte {at} of {len(data)}")


@kind(*EVERY)
def gzip_doubled(d, sheet, rng):
    """A gzip file appended to itself."""
    data = packed(sheet.data())
    d.stages = [{**d.files(d.others(sheet)), f"{d.path(sheet)}.gz": data + data}]
    d.note(f"{sheet.name}.gz: twice in one")


@kind(*EVERY)
def gzip_in_parts(d, sheet, rng):
    """A gzip file of several members, as packers in parallel write it: the same content, in order."""
    data, at = sheet.data(), len(sheet.data()) // 2
    d.stages = [{**d.files(d.others(sheet)), f"{d.path(sheet)}.gz": packed(data[:at]) + packed(data[at:])}]
    d.note(f"{sheet.name}.gz: two members")


@kind(*EVERY)
def ending_lies(d, sheet, rng):
    """Gzip under a plain name, a plain file under a gzip name, or gzip in gzip."""
    way = rng.choice(["packed", "plain", "twice"])
    path, data = d.path(sheet), sheet.data()
    made = {"packed": (path, packed(data)), "plain": (f"{path}.gz", data), "twice": (f"{path}.gz", packed(packed(data)))}[way]
    d.stages = [{**d.files(d.others(sheet)), made[0]: made[1]}]
    d.note(f"{sheet.name}: {way}")


@kind(*EVERY)
def another_thing(d, sheet, rng):
    """An error page, an empty file or a spreadsheet under the extract's name."""
    page = b"<!DOCTYPE html>\n<html><head><title>Session expired</title></head><body>Sign in again</body></html>\n"
    data, what = rng.choice([(page, "error page"), (b"", "empty file"), (b"PK\x03\x04" + bytes(200), "spreadsheet"), (b"\n\n\n", "blank lines")])
    sheet.spoil.append(lambda _: data)
    d.note(f"{sheet.name}: {what}")


@kind(*TEXT)
def header_only(d, sheet, rng):
    """A first delivery of which one file has a header and no rows: nothing happened, as far as anybody says."""
    sheet.rows = []
    d.rows(sheet).clear()
    d.note(f"{sheet.name}: no rows")


@kind(*MONTH_FILES)
def block_lost(d, sheet, rng):
    """A block of bytes is missing in the middle, so that the ends of two records join."""
    first, last = _inside(sheet, rng), _inside(sheet, rng)
    if first > last:
        first, last = last, first
    text = sheet.data()
    need(last - first > 300 and b"\n" in text[first:last])
    joined = text[text.rfind(b"\n", 0, first) + 1 : first] + text[last : text.find(b"\n", last)]
    # Where the joined record has as many fields as any other, nobody can see it.
    fields = next(csv.reader([joined.decode("latin-1")]), [])
    if len(fields) == len(sheet.header) or joined.count(b",") == len(sheet.header) - 1:
        raise Unfit
    sheet.spoil.append(lambda data: data[:first] + data[last:])
    d.note(f"{sheet.name}: bytes {first} to {last} are missing")
