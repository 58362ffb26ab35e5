"""Europe/London against Python's zoneinfo with the PyPI copy of the time zone database; aoristic hours minute by minute."""

import random
import zoneinfo
from collections import Counter
from datetime import UTC, datetime, timedelta

from harness import Mismatch, agree

# The database comes from the pinned package, not from whatever the machine has.
zoneinfo.reset_tzpath(to=[])
LONDON = zoneinfo.ZoneInfo("Europe/London")
YEARS = range(1972, 2038)
WHOLE = 1_000_000
WEEK = 7 * 24 * 60


def transitions():
    """Instants at which the clocks of London changed, found by asking every hour of every year."""
    found = []
    instant, end = datetime(YEARS.start, 1, 1, tzinfo=UTC), datetime(YEARS.stop, 1, 1, tzinfo=UTC)
    before = instant.astimezone(LONDON).utcoffset()
    while instant < end:
        instant += timedelta(hours=1)
        offset = instant.astimezone(LONDON).utcoffset()
        if offset != before:
            found.append(instant)
            before = offset
    return found


def instants(count, seed):
    """Random instants, and every quarter of an hour within four hours of every change of the clocks."""
    draw = random.Random(seed)
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS.start, YEARS.stop))
    out = [datetime.fromtimestamp(draw.randrange(start, end), UTC) for _ in range(count)]
    for change in transitions():
        out.extend(change + timedelta(minutes=15 * step) for step in range(-16, 17))
        out.extend(change + timedelta(seconds=second) for second in (-1, 1))
    return out


def utc(instant):
    """An instant as svp prints it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kind(local):
    """`missing_hour`, `ambiguous_hour` or nothing, of a local time without a zone."""
    first, second = (local.replace(tzinfo=LONDON, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != local:
        return "missing_hour"
    return "ambiguous_hour" if first.utcoffset() != second.utcoffset() else ""


def to_instant(svp, count):
    """uk_timestamp and uk_clock_flag: an ambiguous time is the first one (fold=0) unless told, a missing one moves forward."""
    local = sorted({instant.astimezone(LONDON).replace(tzinfo=None) for instant in instants(count, 11)})
    # Local times that no instant shows: the missing hours themselves.
    missing = [change.astimezone(LONDON).replace(tzinfo=None) - timedelta(minutes=step) for change in transitions()
               if change.astimezone(LONDON).utcoffset() for step in (1, 15, 30, 45, 60)]
    local = sorted(set(local) | set(missing))
    cases = [(time.strftime("%Y-%m-%d %H:%M:%S"), time.strftime("%d/%m/%Y %H:%M")) for time in local]
    rows = svp.over(
        ["a", "b"], cases,
        "uk_timestamp(a, 'yyyy-mm-dd hh:mi:ss') AS exact, uk_timestamp(b, 'dd/mm/yyyy hh:mi') AS minute, "
        "uk_timestamp(a, 'yyyy-mm-dd hh:mi:ss', 'second') AS second, uk_clock_flag(b, 'dd/mm/yyyy hh:mi') AS flag",
    )
    expected, flags = [], Counter()
    for time in local:
        flag = kind(time)
        flags[flag] += 1
        # zoneinfo reads fold=0 in a gap with the offset before it, which moves the time forward one hour: the rule of svp.
        first = time.replace(tzinfo=LONDON, fold=0)
        second = time.replace(tzinfo=LONDON, fold=1) if flag == "ambiguous_hour" else first
        expected.append((utc(first), utc(first.replace(second=0)), utc(second), flag))
    found = [(row["exact"], row["minute"], row["second"], row["flag"]) for row in rows]
    done = agree(cases, expected, found)
    if not flags["missing_hour"] or not flags["ambiguous_hour"]:
        raise Mismatch(f"the cases hold no missing or no ambiguous hour: {dict(flags)}")
    return (f"{done} local times {YEARS.start} to {YEARS.stop - 1}, {len(transitions())} changes of the clocks, "
            f"{flags['ambiguous_hour']} ambiguous and {flags['missing_hour']} missing times")


def from_instant(svp, count):
    """hour_of_week, local_month, analysis_day and placeholder_time of instants."""
    cases = [(utc(instant),) for instant in instants(count, 12)]
    rows = svp.over(
        ["t"], cases,
        "hour_of_week(utc_timestamp(t)) AS h, local_month(utc_timestamp(t)) AS m, analysis_day(utc_timestamp(t)) AS d, "
        "placeholder_time(utc_timestamp(t)) AS p",
    )
    expected = []
    for (text,) in cases:
        local = datetime.fromisoformat(text).astimezone(LONDON)
        day = local.date() - timedelta(days=1) if local.hour < 6 else local.date()
        shown = local.strftime("%H:%M:%S")
        placeholder = "true" if shown in ("00:00:00", "12:00:00", "23:59:00", "23:59:59") else "false"
        expected.append((str(local.weekday() * 24 + local.hour), local.strftime("%Y-%m"), day.isoformat(), placeholder))
    found = [(row["h"], row["m"], row["d"], row["p"]) for row in rows]
    return f"{agree(cases, expected, found)} instants"


def weights(start, end):
    """Minutes of every hour of the local week, counted one by one."""
    minute = start.replace(second=0, microsecond=0)
    last = end.replace(second=0, microsecond=0)
    counts = Counter()
    if last <= minute:
        local = minute.astimezone(LONDON)
        return Counter({local.weekday() * 24 + local.hour: 1})
    if last - minute > timedelta(minutes=WEEK):
        return Counter(dict.fromkeys(range(168), 1))
    while minute < last:
        local = minute.astimezone(LONDON)
        counts[local.weekday() * 24 + local.hour] += 1
        minute += timedelta(minutes=1)
    return counts


def aoristic(svp, count):
    """aoristic_hours: every weight within one millionth of its exact share, the sum exactly a million."""
    draw = random.Random(13)
    starts = instants(count, 13)
    draw.shuffle(starts)
    changes = [change - timedelta(minutes=draw.randrange(600)) for change in transitions()]
    spans = [draw.choice([0, -5, 1, 59, 60, 61, draw.randrange(720), draw.randrange(720), draw.randrange(3000),
                          draw.randrange(WEEK - 60, WEEK + 60), draw.randrange(40_000)]) for _ in range(count)]
    cases = [(start, start + timedelta(minutes=span)) for start, span in zip(starts[: count - len(changes)] + changes, spans)]
    rows = svp.over(
        ["f", "t"], [(utc(start), utc(end)) for start, end in cases],
        "h['hour_of_week'] AS hour, h['weight'] AS weight",
        "(SELECT i, unnest(aoristic_hours(utc_timestamp(f), utc_timestamp(t))) AS h FROM {}) AS spread",
    )
    found = [{} for _ in cases]
    for row in rows:
        found[int(row["i"])][int(row["hour"])] = int(row["weight"])
    expected = [weights(*case) for case in cases]

    def same(minutes, given):
        total = sum(minutes.values())
        return (minutes.keys() == given.keys() and sum(given.values()) == WHOLE
                and all(abs(given[hour] * total - WHOLE * minutes[hour]) <= total for hour in minutes))

    return f"{agree([tuple(map(utc, case)) for case in cases], expected, found, same)} windows, minute by minute"


def checks(suite, svp, count):
    """All of them."""
    suite.check("clock: local time to instant, zoneinfo", to_instant, svp, count)
    suite.check("clock: instant to local, zoneinfo", from_instant, svp, count)
    suite.check("clock: aoristic hours, minute by minute", aoristic, svp, max(300, count // 20))
