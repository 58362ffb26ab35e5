"""The same rows as Parquet, and damage that this format knows. Needs pyarrow; without it these kinds are left out, aloud."""

import io

from cases import MONTH_FILES, kind, need
from mutations_columns import FILLED, NUMBERED, change, present

try:
    import pyarrow
    import pyarrow.parquet
except ModuleNotFoundError:
    pyarrow = None


def file_of(sheet, types=None):
    """A sheet as a Parquet file; every column is text but those in `types`, which turn a text into a value."""
    columns = {}
    for at, name in enumerate(sheet.header):
        values = [row[at] or None for row in sheet.rows]
        act, kind_ = (types or {}).get(name, (None, pyarrow.string()))
        columns[name] = pyarrow.array([act(value) if act and value else value for value in values], type=kind_)
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out, row_group_size=max(1, len(sheet.rows) // 2))
    return out.getvalue()


def deliver(d, sheet, data=None):
    """All files of the source as Parquet, one of them as given."""
    d.reader = "parquet"
    files = d.files([other for other in d.sheets if other.source != sheet.source])
    for other in d.sheets:
        if other.source == sheet.source:
            name = other.name.replace(".csv", ".parquet")
            files[d.path(other, name)] = data if data is not None and other is sheet else file_of(other)
    d.damaged.add(sheet.name.replace(".csv", ".parquet"))
    d.stages = [files]


if pyarrow:

    @kind(*MONTH_FILES, expect="control")
    def parquet(d, sheet, rng):
        """Every file as Parquet."""
        deliver(d, sheet)
        d.note("every file as Parquet, all columns text")

    @kind(*MONTH_FILES)
    def parquet_cut(d, sheet, rng):
        """A Parquet file that ends too early."""
        data = file_of(sheet)
        at = rng.randrange(len(data) // 3, len(data) - 1)
        deliver(d, sheet, data[:at])
        d.note(f"{sheet.name}: as Parquet, cut at byte {at} of {len(data)}")

    @kind(*MONTH_FILES)
    def parquet_zeros(d, sheet, rng):
        """Zeros in the middle of a Parquet file."""
        data = file_of(sheet)
        at = rng.randrange(8, len(data) * 2 // 3)
        deliver(d, sheet, data[:at] + bytes(64) + data[at + 64 :])
        d.note(f"{sheet.name}: as Parquet, 64 zeros at byte {at}")

    @kind(*MONTH_FILES)
    def parquet_column_emptied(d, sheet, rng):
        """A column that figures rest on is NULL in all rows."""
        columns = present(sheet, FILLED[sheet.source])
        need(columns)
        name = rng.choice(columns)
        change(sheet, name, lambda _: "")
        deliver(d, sheet)
        d.note(f"{sheet.name}: as Parquet, {name} is NULL")

    @kind("police_rms", "ecds")
    def parquet_ids_as_numbers(d, sheet, rng):
        """Ids as floating point: of single precision, which has no room for their digits, or of double."""
        name, size = NUMBERED[sheet.source], rng.choice([pyarrow.float32(), pyarrow.float64()])

        def digits(text):
            return "".join(letter for letter in text if letter.isdigit())

        for other in d.sheets:
            if other.source == sheet.source:
                for row, true in zip(other.rows, d.rows(other)):
                    other.put(row, name, digits(other.get(row, name)))
                    true[name] = digits(true[name])
        deliver(d, sheet, file_of(sheet, {name: (float, size)}))
        d.note(f"{sheet.name}: as Parquet, {name} as {size}")

    @kind("police_rms", "police_street", "police_stop_search", expect="harmless")
    def parquet_numbers(d, sheet, rng):
        """Coordinates as numbers, as any data frame writes them."""
        names = {"police_rms": ("Easting", "Northing")}.get(sheet.source, ("Longitude", "Latitude"))
        deliver(d, sheet, file_of(sheet, {name: (float, pyarrow.float64()) for name in names}))
        d.note(f"{sheet.name}: as Parquet, {' and '.join(names)} as numbers")

else:
    print("faults: pyarrow is not installed: SKIPPED the kinds of Parquet")
