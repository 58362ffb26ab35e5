"""One measurement of a peer, in a process of its own: esda's Gi* or pointpats' Knox on the data of a file of JSON.

Usage: peer.py WHAT FILE THREADS, where WHAT is `analytic`, `permutations` or `knox`. Prints one line of JSON: seconds of the method alone
(weights and data made before, and one run on a ninth of the data first), and figures to compare.
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def weights(side):
    """Queen contiguity of a square board."""
    from libpysal.weights import W

    places = {}
    for y in range(side):
        for x in range(side):
            near = [(x + a, y + b) for b in (-1, 0, 1) for a in (-1, 0, 1) if (a, b) != (0, 0)]
            places[y * side + x] = [b * side + a for a, b in near if 0 <= a < side and 0 <= b < side]
    w = W(places, silence_warnings=True)
    # What esda asks for first of all, so that it is not counted as its work.
    w.sparse  # noqa: B018
    return w


def gi_star(side, values, permutations, threads):
    """Seconds and figures of Gi*."""
    from esda.getisord import G_Local

    w = weights(side)
    started = time.perf_counter()
    local = G_Local(
        values, w, transform="B", star=True, permutations=permutations, keep_simulations=False, n_jobs=threads, seed=1
    )
    seconds = time.perf_counter() - started
    return seconds, {"z": local.Zs.tolist(), "p_sim": local.p_sim.tolist() if permutations else []}


def knox(events, delta, tau, permutations):
    """Seconds and figures of Knox's test."""
    from pointpats import spacetime

    started = time.perf_counter()
    found = spacetime.Knox(events[:, :2], events[:, 2:], delta=delta, tau=tau, permutations=permutations)
    return time.perf_counter() - started, {"pairs": int(found.statistic_)}


def main():
    """The command."""
    what, file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(file, encoding="utf-8") as text:
        data = json.load(text)
    if what == "knox":
        seconds, figures = knox(np.array(data["events"]), data["space"][1], data["time"][1], data["permutations"])
    else:
        side, values = data["side"], np.array(data["values"])
        permutations = 999 if what == "permutations" else 0
        small = side // 3
        gi_star(small, values[: small * small], permutations, threads)
        seconds, figures = gi_star(side, values, permutations, threads)
    print(json.dumps({"seconds": seconds, **figures}))


if __name__ == "__main__":
    main()
