"""The results of a benchmark as Markdown."""


def table(header, rows):
    """A Markdown table: first column to the left, the others to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def seconds(spread):
    """Median with its range."""
    return f"{spread['median']:.2f} ({spread['min']:.2f}–{spread['max']:.2f})"


def ratio(ours, peer):
    """Ours by the peer's: below 1 we are faster."""
    return f"{ours['median'] / peer['median']:.2f}"


def head(machine):
    """The line that says when and where."""
    peers = ", ".join(f"{name} {machine[name]}" for name in ("duckdb", "esda", "h3", "pyproj"))
    return (
        f"Measured {machine['date']} with `make bench` on {machine['cores']} cores ({machine['processor']}, "
        f"{machine['memory_mb'] / 1024:.0f} GB, {machine['system']}), {machine['threads']} threads on every side, page cache warm, "
        f"sides alternating, {machine['rounds']} rounds after one that is not counted; load average before: "
        f"{machine['load_before']}. {machine['svp']} ({machine['commit']}), Python {machine['python']}, {peers}. "
        "Seconds are the wall time of the whole command: median (least–greatest)."
    )


def speed(result):
    """Ingest, whole run, run again."""
    s, peak, cpu = result["seconds"], result["peak_mb"], result["cpu_seconds"]

    def line(text, name, ours=None, process=None):
        by = ratio(ours, s[name]) if ours else ""
        process = process or name
        return [text, seconds(s[name]), by, f"{cpu[process]:.2f}" if process == name else "", f"{peak[process]:.0f}"]

    header = ["", "seconds", "svp / this", "CPU s", "peak MB"]
    ingest = table(header, [
        line("**svp, ingest**: checks, tokens, quarantine, receipts, coordinates, Delta commit", "svp ingest"),
        line("DuckDB: read, typed columns, zstd Parquet; whole process", "duckdb", s["svp ingest"]),
        line("the same without interpreter start and import", "duckdb, without start", s["svp ingest"], "duckdb"),
    ])
    whole = table(header, [
        line("**svp, whole run**: ingest, linkage, every output of the area, disclosure, release with report and maps", "svp run"),
        line("Python: Parquet, pyproj, h3, 250 m grid, Gi* with esda's default 999 permutations", "python", s["svp run"]),
        line("the same without imports", "python, without imports", s["svp run"], "python"),
        line("Python: the same, Gi* analytic (no permutations)", "python, no permutations", s["svp run"]),
        line("the same without imports", "python, no permutations, without imports", s["svp run"], "python, no permutations"),
        line("**svp, run again** with nothing new", "svp again"),
    ])
    steps = "; ".join(f"{step} {value:.2f}" for step, value in s["python, steps"].items())
    return (
        f"### Speed: {result['files']} real months, {result['rows']:,} rows, {result['gzip_bytes'] / 1e6:.1f} MB gzip\n\n"
        f"{ingest}\n\n{whole}\n\n"
        f"svp computes Gi* in every grid, without permutations; the Python way makes no report, no maps, no disclosure and no receipts. "
        f"Steps of the Python way, seconds: {steps}."
    )


def memory(lines):
    """Scales: cost linear, memory flat."""
    header = ["data", "files", "rows", "CSV MB", "ingest s", "CSV MB/s", "peak MB", "whole run s", "peak MB", "again s",
              "DuckDB s", "peak MB"]
    rows = []
    for line in lines:
        csv = line["csv_bytes"] / 1e6
        ingest, whole, duckdb = line["ingest"], line["run"], line["duckdb"]
        rows.append([
            f"{line['scale']}×", f"{line['files']:,}", f"{line['rows']:,}", f"{csv:,.0f}",
            f"{ingest['seconds']:.2f}", f"{csv / ingest['seconds']:.0f}", f"{ingest['peak_mb']:.0f}",
            f"{whole['seconds']:.2f}", f"{whole['peak_mb']:.0f}", f"{line['again']['seconds']:.2f}",
            f"{duckdb['seconds']:.2f}", f"{duckdb['peak_mb']:.0f}",
        ])
    first, last = lines[0], lines[-1]

    def growth(name, what):
        return f"{last[name][what] / first[name][what]:.2f}"

    words = (
        f"From {first['scale']}× to {last['scale']}× (rows × {last['rows'] / first['rows']:.0f}): ingest seconds × "
        f"{growth('ingest', 'seconds')}, its peak memory × {growth('ingest', 'peak_mb')}; whole run seconds × "
        f"{growth('run', 'seconds')}, its peak memory × {growth('run', 'peak_mb')}. Copies of the real months with months and "
        "crime IDs of their own; the whole run analyses all of them. One run each."
    )
    return f"### Memory: many times the data\n\n{table(header, rows)}\n\n{words}"


def builds(result):
    """The invented county by build."""
    rows = [[name, seconds(value), f"{result['peak_mb'][name]:.0f}"] for name, value in result["seconds"].items()]
    return f"### The sample county, whole run\n\n{table(['build', 'seconds', 'peak MB'], rows)}"


def markdown(result):
    """Everything."""
    parts = ["## Benchmarks", head(result["machine"])]
    for name, part in (("speed", speed), ("memory", memory), ("builds", builds)):
        if result.get(name):
            parts.append(part(result[name]))
    return "\n\n".join(parts) + "\n"
