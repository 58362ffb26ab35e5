"""Deliveries that the sender's desk pseudonymised: damage to what the desk reads, and to the encoded files on their way."""

# The kinds that are wrapped below have to be there first.
import mutations_bytes  # noqa: F401
import mutations_columns  # noqa: F401
import mutations_files  # noqa: F401
import mutations_rows  # noqa: F401
from cases import EVERY, KINDS, kind

# What is odd about an extract must be told where it comes as an encoded file too: at the desk, or at the lake.
AT_THE_DESK = ("column_emptied", "placeholder_places", "filler_dates", "ids_rounded", "rows_that_differ", "cut", "rows_of_another_month")


@kind(*EVERY, expect="control")
def encoded(d, sheet, rng):
    """Every extract of the source as an encoded file."""
    d.desk = True
    d.note("encoded at the desk")


@kind(*EVERY)
def encoded_cut(d, sheet, rng):
    """An encoded file that ends too early."""
    share = rng.uniform(0.05, 0.999)
    d.desk, d.on_the_way = True, lambda data: data[: int(len(data) * share)]
    d.note(f"encoded at the desk, cut at {share:.1%}")


@kind(*EVERY)
def encoded_changed(d, sheet, rng):
    """An encoded file in which one byte is another."""
    share, bit = rng.uniform(0.05, 0.999), 1 << rng.randrange(8)

    def spoil(data):
        at = int(len(data) * share)
        return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]

    d.desk, d.on_the_way = True, spoil
    d.note(f"encoded at the desk, a byte changed at {share:.1%}")


def _encoded(name):
    inner = KINDS[name]

    def act(d, sheet, rng):
        inner.act(d, sheet, rng)
        d.desk = True
        d.note("encoded at the desk")

    act.__name__, act.__doc__ = f"desk_{name}", f"At the desk: {inner.act.__doc__}"
    kind(*inner.sources, expect=inner.expect, tells=inner.tells, table=inner.table)(act)


for one in AT_THE_DESK:
    _encoded(one)
