"""A sample of the mutation test of the intake (`tests/faults`): damaged deliveries against what is true of them."""

import subprocess
import sys

from harness import ROOT, Mismatch

DELIVERIES = 160
# The machine that runs this may be slow; no delivery is begun after this, and those that were left out are counted aloud.
SECONDS = 270


def checks(suite, svp, cases):
    """Enters the sample."""
    suite.check("faults: no figure is wrong in silence", _sample, svp)


def _sample(svp):
    command = [sys.executable, ROOT / "tests" / "faults" / "run.py", "--svp", svp.binary, "--sample", str(DELIVERIES), "--seconds", str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode:
        raise Mismatch("\n    ".join([*lines[-60:], done.stderr[-500:]]))
    return "; ".join([lines[0], *[line for line in lines if "left out" in line], lines[-1]])
