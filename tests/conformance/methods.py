"""The measures of crime analysis (svp-methods) against PySAL (esda, pointpats), statsmodels, scipy and pymannkendall.

They are asked through the example `method` of svp-methods, which reads one JSON request a line; SVP_METHOD_BIN names it, else it is the
younger of target/release/examples/method and target/debug/examples/method (`cargo build --workspace --example method`).
"""

import contextlib
import io
import json
import math
import os
import subprocess
import warnings

import numpy as np

# esda's warnings about its own defaults.
warnings.filterwarnings("ignore")

import esda.crand  # noqa: E402
import pymannkendall  # noqa: E402
from esda import fdr  # noqa: E402
from esda.getisord import G_Local  # noqa: E402
from libpysal.weights import W  # noqa: E402
from pointpats import spacetime  # noqa: E402
from scipy import stats  # noqa: E402
from statsmodels.discrete.discrete_model import NegativeBinomial  # noqa: E402
from statsmodels.genmod.families import Poisson  # noqa: E402
from statsmodels.genmod.generalized_linear_model import GLM  # noqa: E402
from statsmodels.stats.multitest import multipletests  # noqa: E402
from statsmodels.stats.proportion import proportion_confint  # noqa: E402
from statsmodels.stats.rates import confint_poisson, test_poisson_2indep  # noqa: E402

from harness import ROOT, Mismatch, Skip, agree  # noqa: E402

AXIAL = [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]


def program():
    """The example binary."""
    named = os.environ.get("SVP_METHOD_BIN")
    places = [named] if named else [ROOT / "target" / build / "examples" / "method" for build in ("release", "debug")]
    there = [place for place in places if os.path.exists(place)]
    if not there:
        raise Skip("there is no example `method`: cargo build --workspace --example method")
    return max(there, key=os.path.getmtime)


def ask(requests):
    """Answers of svp, in order."""
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([str(program())], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Mismatch(f"the example ended with {done.returncode}: {done.stderr[-500:]}")
    return [json.loads(line)["answer"] for line in done.stdout.splitlines()]


def near(within):
    """Whether two numbers are equal to so much, absolute or relative; what is no number there is null here."""

    def same(one, other):
        if one is None or not math.isfinite(one):
            return other is None
        return other is not None and abs(one - other) <= within * max(1.0, abs(one))

    return same


def all_near(expected, found, within, what):
    """As many numbers as there are agree."""
    expected = [None if value is None else float(value) for value in expected]
    return agree([what] * len(expected), expected, list(found), near(within))


def neighbour_sets(cells, lattice, rings):
    """Neighbours by walking: one ring after the other over all places of the lattice, kept where there is a cell."""
    steps = AXIAL if lattice == "hexagons" else [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)]
    places = {tuple(cell): number for number, cell in enumerate(cells)}
    out = {}
    for number, cell in enumerate(cells):
        reached, edge = {tuple(cell)}, {tuple(cell)}
        for _ in range(rings):
            edge = {(x + a, y + b) for x, y in edge for a, b in steps} - reached
            reached |= edge
        out[number] = sorted(places[place] for place in reached - {tuple(cell)} if place in places)
    return out


def grids(draw, count):
    """Grids with holes and counts: (lattice, rings, cells, values, weights)."""
    for number in range(count):
        lattice, rings = ("squares", "hexagons")[number % 2], 1 + number % 3 % 2
        side = int(draw.integers(3, 25))
        cells = [[x, y] for y in range(side) for x in range(side + 2) if draw.random() < (0.95, 0.6)[number // 2 % 2]]
        rate = (0.15, 2.0, 40.0)[number % 3]
        # Overdispersed and full of noughts, as counts of violence are.
        values = draw.poisson(rate * draw.gamma(0.5, 2.0, len(cells))).astype(float)
        if number % 5 == 4:
            values = values * 0.37 + draw.random(len(cells))
        if len(cells) < 4 or (values == values[0]).all():
            continue
        yield lattice, rings, cells, values, ("binary", "row")[number // 4 % 2]


def reference(cells, lattice, rings, values, weights, **more):
    """esda's Gi* with itself among its neighbours."""
    neighbours = neighbour_sets(cells, lattice, rings)
    w = W(neighbours, silence_warnings=True)
    # libpysal prints every island.
    with contextlib.redirect_stdout(io.StringIO()):
        local = G_Local(values, w, transform={"binary": "B", "row": "R"}[weights], star=True, **more)
    # Row-standardised islands have no weight in esda; here they stand for themselves.
    islands = {number for number, others in neighbours.items() if not others} if weights == "row" else set()
    return local, islands, neighbours


def gi_star(_svp, count):
    """z and p of Gi*, analytic."""
    draw, done = np.random.default_rng(1), 0
    drawn = list(grids(draw, max(8, count // 250)))

    def asked(number, lattice, rings, cells, values, weights):
        request = {"method": "gi_star", "lattice": lattice, "rings": rings, "cells": cells, "values": values.tolist(), "weights": weights}
        # Every third grid as lists, with the cell itself among its neighbours, as H3's discs are.
        return request if number % 3 else request | {"lists": [[i, *near] for i, near in neighbour_sets(cells, lattice, rings).items()]}

    answers = ask([asked(number, *case) for number, case in enumerate(drawn)])
    for case, answer in zip(drawn, answers):
        lattice, rings, cells, values, weights = case
        local, islands, _ = reference(cells, lattice, rings, values, weights, permutations=0)
        kept = [number for number in range(len(cells)) if number not in islands]
        for name, expected in (("z", local.Zs), ("p_one", local.p_norm)):
            done += all_near(expected[kept], [answer[name][k] for k in kept], 1e-9, f"{lattice} {rings} {weights} {name}")
    return f"{done} numbers of {len(drawn)} grids to 1e-9"


def shared_draws(_svp, count):
    """Pseudo-p with the very draws of esda: the same to the last permutation."""
    draw, done = np.random.default_rng(2), 0
    drawn = [case for case in grids(draw, max(8, count // 1000)) if case[4] == "binary" and (case[3] % 1 == 0).all()]
    for seed, (lattice, rings, cells, values, weights) in enumerate(drawn):
        local, _, neighbours = reference(
            cells, lattice, rings, values, weights, permutations=199, seed=seed, keep_simulations=False, n_jobs=1
        )
        width = max(len(others) for others in neighbours.values())
        draws = esda.crand.vec_permutations(width, len(cells), 199, seed).tolist()
        request = {"method": "gi_star", "lattice": lattice, "rings": rings, "cells": cells, "values": values.tolist(), "draws": draws}
        found = ask([request])[0]["p_sim"]
        kept = [number for number in range(len(cells)) if neighbours[number]]
        # esda keeps them in single precision.
        done += all_near(local.p_sim[kept], [found[k] for k in kept], 1e-6, f"{lattice} {rings} p_sim")
    return f"{done} pseudo-p of {len(drawn)} grids, same draws, equal"


def own_draws(_svp, _count):
    """Pseudo-p with draws of our own: the same but for chance."""
    draw = np.random.default_rng(3)
    cells = [[x, y] for y in range(40) for x in range(40)]
    values = draw.poisson(1.5, 1600).astype(float)
    local, _, _ = reference(cells, "squares", 1, values, "binary", permutations=999, seed=7, keep_simulations=False, n_jobs=1)
    again, _, _ = reference(cells, "squares", 1, values, "binary", permutations=999, seed=8, keep_simulations=False, n_jobs=1)
    request = {"method": "gi_star", "rings": 1, "cells": cells, "values": values.tolist(), "permutations": 999, "seed": 5, "threads": 2}
    found = np.array(ask([request])[0]["p_sim"])
    ours, theirs = np.abs(found - local.p_sim).mean(), np.abs(again.p_sim - local.p_sim).mean()
    # All cells share their draws, and so their luck.
    if ours > 1.5 * theirs or abs((found - local.p_sim).mean()) > 0.03:
        raise Mismatch(f"mean difference {ours:.4f} to esda, where two seeds of esda differ by {theirs:.4f}")
    return f"1600 pseudo-p, mean difference {ours:.4f}; two seeds of esda differ by {theirs:.4f}"


def adjusted(_svp, count):
    """p-values adjusted for their number."""
    draw, done = np.random.default_rng(4), 0
    lists = [draw.random(int(draw.integers(1, 200))) ** draw.integers(1, 6) for _ in range(max(10, count // 200))]
    lists = [np.round(p, 2) if number % 3 == 0 else p for number, p in enumerate(lists)]
    for p, found in zip(lists, ask([{"method": "fdr", "p": p.tolist()} for p in lists])):
        for ours, theirs in (("bh", "fdr_bh"), ("by", "fdr_by"), ("bonferroni", "bonferroni")):
            done += all_near(multipletests(p, method=theirs)[1], found[ours], 1e-12, ours)
        # esda's cut-off asks for p below it, strictly; so does q below alpha.
        cut = fdr(p, 0.05)
        chosen = [q < 0.05 for q in found["bh"]]
        if any(chosen) and chosen != [value < cut for value in p]:
            raise Mismatch(f"esda.fdr takes {sum(p < cut)}, q takes {sum(chosen)}")
    return f"{done} adjusted p of {len(lists)} lists to 1e-12"


def near_repeat(_svp, count):
    """Knox's statistic and its pseudo-p."""
    draw, pairs, differences = np.random.default_rng(5), 0, []
    requests, cases = [], []
    for number in range(max(6, count // 2000)):
        n = int(draw.integers(50, 400))
        # Quarters of a metre, so that distances equal to a break are met.
        place = np.round(draw.normal(0, 400, (n, 2)) * 4) / 4
        day = draw.integers(0, 200, n).astype(float)
        if number % 3 == 2:
            day += draw.integers(0, 24, n) / 24
        delta, tau = float(draw.choice([50.0, 123.25, 400.0])), float(draw.choice([2.0, 7.0, 30.0]))
        cases.append((place, day, delta, tau))
        requests.append({
            "method": "knox", "events": np.column_stack([place, day]).tolist(), "space": [0, delta], "time": [0, tau],
            "metric": "euclidean", "closed": "right and lowest", "permutations": 499, "seed": number, "threads": 2,
        })  # fmt: skip
    for (place, day, delta, tau), found in zip(cases, ask(requests)):
        np.random.seed(1)
        theirs = spacetime.Knox(place, day[:, None], delta=delta, tau=tau, permutations=499)
        if theirs.statistic_ != found["observed"][0][0]:
            raise Mismatch(f"pointpats counts {theirs.statistic_} pairs, svp {found['observed'][0][0]}")
        pairs += found["observed"][0][0]
        differences.append(abs(theirs.p_sim - found["p"][0][0]))
    if max(differences) > 0.12:
        raise Mismatch(f"pseudo-p differ by {max(differences)}")
    return f"{pairs} pairs of {len(cases)} towns, all counted alike; pseudo-p differ by at most {max(differences):.3f}"


def trends(_svp, count):
    """Mann and Kendall, Sen."""
    draw, done = np.random.default_rng(6), 0
    series = [draw.poisson(5, int(draw.integers(3, 60))) + draw.random() * np.arange(1) for _ in range(max(10, count // 100))]
    for values, found in zip(series, ask([{"method": "trend", "values": values.tolist()} for values in series])):
        theirs = pymannkendall.original_test(values)
        for ours, name in (("s", "s"), ("var", "var_s"), ("z", "z"), ("p", "p"), ("tau", "Tau"), ("slope", "slope"), ("intercept", "intercept")):
            done += all_near([getattr(theirs, name)], [found[ours]], 1e-9, ours)
    return f"{done} numbers of {len(series)} series to 1e-9"


def circles(_svp, count):
    """Times that go round."""
    draw, done = np.random.default_rng(7), 0
    cases = [(draw.normal(22, 4, int(draw.integers(2, 300))), float(draw.choice([24.0, 168.0]))) for _ in range(max(10, count // 100))]
    asked = [{"method": "circular", "values": values.tolist(), "period": period} for values, period in cases]
    for (values, period), found in zip(cases, ask(asked)):
        mean = stats.circmean(values, high=period)
        # A mean of a hair below the period is one of a hair above 0.
        turn = (found["mean"] - mean + period / 2) % period - period / 2
        done += all_near([0.0], [turn], 1e-8, "mean")
        done += all_near([stats.circstd(values, high=period)], [found["sd"]], 1e-8, "sd")
        done += all_near([stats.circvar(values, high=period)], [found["variance"]], 1e-9, "variance")
    return f"{done} numbers of {len(cases)} samples to 1e-8"


def intervals(_svp, count):
    """Shares, counts, two rates."""
    draw, done = np.random.default_rng(8), 0
    cases = [(int(draw.integers(0, 60)), int(draw.integers(1, 60)), int(draw.integers(1, 9)), int(draw.integers(1, 9))) for _ in range(max(20, count // 100))]
    asked = [{"method": "rates", "x1": a, "x2": b, "t1": t, "t2": u, "level": 0.95} for a, b, t, u in cases]
    for (a, b, t, u), found in zip(cases, ask(asked)):
        done += all_near(proportion_confint(a, a + b, method="wilson"), found["wilson"], 1e-9, f"wilson {a} {b}")
        done += all_near(confint_poisson(a, 1, method="exact-c"), found["exact"], 1e-7, f"exact {a}")
        done += all_near([test_poisson_2indep(a, t, b, u, method="exact-cond").pvalue], [found["conditional"]], 1e-8, f"conditional {a} {t} {b} {u}")
        done += all_near([test_poisson_2indep(a, t, b, u, method="etest").pvalue], [found["e_test"]], 1e-6, f"E-test {a} {t} {b} {u}")
    return f"{done} numbers of {len(cases)} cases: Wilson to 1e-9, exact 1e-7, conditional 1e-8, E-test 1e-6"


def regressions(_svp, count):
    """Poisson and negative binomial regression, with cluster-robust covariances."""
    draw, done, cases = np.random.default_rng(9), 0, []
    for number in range(max(6, count // 2000)):
        n = int(draw.integers(60, 600))
        x = np.column_stack([np.ones(n), np.arange(n) % 2, draw.normal(0, 1, n)])
        exposure = draw.integers(1, 5, n).astype(float)
        mean = exposure * np.exp(x @ [0.4, -0.3, 0.25])
        y = draw.poisson(mean * draw.gamma(1.5, 1 / 1.5, n)).astype(float)
        cases.append((x, y, np.log(exposure), np.arange(n) // 6))
    asked = [
        {"method": "counts_model", "y": y.tolist(), "x": x.ravel().tolist(), "columns": 3, "offset": offset.tolist(), "clusters": clusters.tolist()}
        for x, y, offset, clusters in cases
    ]
    for (x, y, offset, clusters), found in zip(cases, ask(asked)):
        robust = {"cov_type": "cluster", "cov_kwds": {"groups": clusters}}
        one, model = found["poisson"], GLM(y, x, family=Poisson(), offset=offset)
        plain, grouped = model.fit(tol=1e-14), model.fit(tol=1e-14, **robust)
        done += all_near(plain.params, one["coefficients"], 1e-8, "Poisson")
        done += all_near(plain.cov_params().ravel(), one["covariance"], 1e-8, "Poisson, covariance")
        done += all_near(grouped.cov_params().ravel(), one["robust"], 1e-8, "Poisson, robust")
        done += all_near([plain.llf], [one["log_likelihood"]], 1e-9, "Poisson, likelihood")
        two, model = found["negative_binomial"], NegativeBinomial(y, x, offset=offset)
        start = model.fit(disp=0, maxiter=500).params
        again = {"start_params": start, "method": "newton", "disp": 0, "maxiter": 100, "tol": 1e-14}
        plain, grouped = model.fit(**again), model.fit(**again, **robust)
        done += all_near(plain.params, [*two["coefficients"], two["alpha"]], 1e-6, "negative binomial")
        done += all_near(plain.cov_params()[:3, :3].ravel(), two["covariance"], 1e-6, "negative binomial, covariance")
        done += all_near(grouped.cov_params()[:3, :3].ravel(), two["robust"], 1e-6, "negative binomial, robust")
        done += all_near([plain.llf], [two["log_likelihood"]], 1e-9, "negative binomial, likelihood")
    return f"{done} numbers of {len(cases)} samples: Poisson to 1e-8, negative binomial to 1e-6"


def densities(_svp, count):
    """Gaussian kernel density without correction."""
    draw, done = np.random.default_rng(10), 0
    for _ in range(max(4, count // 4000)):
        n = int(draw.integers(30, 400))
        raw, weight = draw.normal(0, 1, (2, n)) * [[900], [300]], draw.integers(1, 5, n).astype(float)
        # Scaled so that the weighted covariance is the identity: scipy's bandwidth is then one length in all directions.
        root = np.linalg.cholesky(np.cov(raw, aweights=weight))
        points = 500 * np.linalg.solve(root, raw)
        h = float(draw.uniform(40, 400))
        at = draw.uniform(-1500, 1500, (2, 300))
        theirs = stats.gaussian_kde(points, bw_method=h / 500, weights=weight)(at) * weight.sum()
        request = {
            "method": "kernel_density", "points": np.vstack([points, weight]).T.tolist(), "at": at.T.tolist(), "bandwidth": h,
            "kernel": "gaussian", "threads": 2,
        }  # fmt: skip
        found = np.array(ask([request])[0]["density"])
        peak = weight.sum() / (2 * np.pi * h * h)
        done += all_near(theirs / peak, found / peak, 2e-8, "density, of its peak")
    return f"{done} densities to 2e-8 of the peak"


def checks(suite, svp, count):
    """All of them."""
    suite.check("methods, Gi* against esda", gi_star, svp, count)
    suite.check("methods, Gi* pseudo-p against esda, same draws", shared_draws, svp, count)
    suite.check("methods, Gi* pseudo-p against esda, own draws", own_draws, svp, count)
    suite.check("methods, adjusted p against statsmodels and esda", adjusted, svp, count)
    suite.check("methods, Knox against pointpats", near_repeat, svp, count)
    suite.check("methods, trend against pymannkendall", trends, svp, count)
    suite.check("methods, circular statistics against scipy", circles, svp, count)
    suite.check("methods, intervals and tests of rates against statsmodels", intervals, svp, count)
    suite.check("methods, regressions of counts against statsmodels", regressions, svp, count)
    suite.check("methods, kernel density against scipy", densities, svp, count)
