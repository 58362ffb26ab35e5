"""Runs commands and measures them: wall time, processor time and peak memory of the child alone.

This module and the driver import nothing large: the peak memory that the kernel reports of a child begins with that of
the process that started it.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


class Failed(Exception):
    """A command failed, or did other work than was to be measured."""


@dataclass
class Sample:
    """One run of one command."""

    seconds: float
    cpu: float
    megabytes: float
    stdout: str
    stderr: str

    def json(self):
        """The last line of its standard output, which the peers print as JSON."""
        return json.loads(self.stdout.strip().splitlines()[-1])


def run(command, cwd=None):
    """Runs a command to its end; one that fails stops this part of the benchmark with its own words."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=cwd)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        stdout, stderr = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if child.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{stderr[-2000:]}")
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Sample(seconds, usage.ru_utime + usage.ru_stime, kibibytes / 1024, stdout, stderr)


def alternate(rounds, sides):
    """Runs all sides in turn, one unrecorded round first so that every file is in the page cache.

    `sides` maps a name to a function of the round that returns a `Sample`; the answer maps it to its samples.
    """
    samples = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            sample = side(turn)
            print(f"  {'warm' if turn == 0 else turn}: {name}: {sample.seconds:.3f} s", file=sys.stderr)
            if turn > 0:
                samples[name].append(sample)
    return samples


def spread(values):
    """Median, least, greatest and every value, rounded to the millisecond."""
    values = [round(value, 4) for value in values]
    return {"median": round(statistics.median(values), 4), "min": min(values), "max": max(values), "all": values}


def machine(binary, packages):
    """What was measured on what: date, cores, versions, and how busy the machine was before."""
    model = platform.processor() or platform.machine()
    info, memory = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    total = int(memory.read_text().split()[1]) // 1024 if memory.exists() else None
    here = Path(__file__).parent
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": total,
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "svp": run([binary, "--version"]).stdout.strip(),
        "commit": git.stdout.strip() or None,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
