"""Conformance: svp against strangers that do the same thing another way.

Usage: run.py [--cases 20000] [--only TEXT]

SVP_BIN names the binary (else the younger of target/release/svp and target/debug/svp), SVP_METHOD_BIN likewise the example `method` of
svp-methods, without which its checks are skipped; SVP_DATA the folder of the real data, without
which the test points of the Ordnance Survey are skipped. Closes with `N passed, N failed, N skipped`.
"""

import argparse
import sys
import tempfile

try:
    import clk
    import clock
    import crime
    import disclosure
    import faults
    import files
    import methods
    import person
    import place
    import trial
except ModuleNotFoundError as missing:
    sys.exit(f"conformance: {missing.name} is not installed: run `make conformance`, which brings tests/conformance/requirements.txt")
from harness import Suite, Svp


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000, help="random cases of a check")
    parser.add_argument("--only", help="only checks whose name holds this text")
    args = parser.parse_args()
    suite = Suite(args.only)
    with tempfile.TemporaryDirectory(prefix="svp-conformance-") as folder:
        try:
            svp = Svp(folder)
        except RuntimeError as failure:
            sys.exit(f"conformance: no lake could be made: {failure}")
        print(f"{svp.binary.parent.name}/{svp.binary.name}, release {svp.record['release']}", flush=True)
        for module in (place, clock, person, files, disclosure, clk, methods, crime, trial, faults):
            module.checks(suite, svp, args.cases)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
