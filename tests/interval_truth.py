"""Intervals of the estimates once more, host by host, for studies of `estimate_truth`."""

import random
import runpy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta

from analysis.replicates import draw_units

TRUTH = runpy.run_path(str(Path(__file__).parent / "estimate_truth.py"))
SNAPSHOTS = TRUTH["SNAPSHOTS"]
Limits = tuple[float, float, float, str]


class Part(NamedTuple):
    """A part of the corpus: its portion of the whole, its share, its replicates, its effective number."""

    portion: float
    share: float
    replicates: Any
    n: float


def draw_large(seed: int) -> dict[str, Any]:
    """A study with a head of many domains, a sample of some and a few that are listed."""
    rng = random.Random(seed)
    hosts = [f"h{i}.d{i * 7 % 190}.org" for i in range(260)]
    places = {host: rng.choices(["head", "sample", "listed"], [8, 5, 1])[0] for host in hosts}
    words = ["-", "404", "html", *["open", "shut"] * 3, "some", "gpt", "gpt", "silent"]
    return {
        "snapshots": SNAPSHOTS,
        "histories": {host: " ".join(rng.choice(words) for _ in SNAPSHOTS) for host in hosts},
        "rulesets": TRUTH["RULESETS"],
        "weights": {(host, "c4"): float(rng.choice([0, 0.5, 1, 2, 3])) for host in hosts},
        "strata": {host: "random" if place == "sample" else "chosen" for host, place in places.items()},
        "corpora": {"c4": ("random", 3000.0)},
        "heads": {(host, "c4") for host, place in places.items() if place == "head"},
        "no_domains": hosts[3:5],
    }


def replicate(
    study: dict[str, Any], agent: str, place: int, estimator: str, basis: str, measure: str
) -> dict[str, Part]:
    """Each part that the estimator has, when domains are drawn as the module draws them, host by host."""
    parts = TRUTH["split_hosts"](study, "c4")
    weight, total = {h: study["weights"][h, "c4"] for h in study["histories"]}, study["corpora"]["c4"][1]
    is_study = estimator == "study"
    total -= 0 if is_study else sum(weight[host] for host in study["no_domains"])
    found, left = {}, 1.0
    for name in ("head", "sample") if is_study else ("head", "listed", "sample"):
        states = {h: TRUTH["is_closed"](study, h, agent, place, basis, measure) for h in parts[name]}
        counts = {h: weight[h] * (is_study or states[h] is not None) for h in parts[name]}
        web = [h for h in parts[name] if is_study or h not in study["no_domains"]]
        portion = left if name == "sample" else sum(weight[host] for host in web) / total
        left -= portion
        found[name] = _replicate_part(name, portion, states, counts)
    return found


def _replicate_part(
    name: str, portion: float, states: dict[str, bool | None], counts: dict[str, float]
) -> Part:
    domains = sorted({TRUTH["domain_of"](host) for host in counts})
    times = draw_units(len(domains), f"c4|{name}")
    counted, closed, by_domain = np.zeros(1001), np.zeros(1001), dict.fromkeys(domains, 0.0)
    for host, count in counts.items():
        domain = TRUTH["domain_of"](host)
        counted += count * times[domains.index(domain)]
        closed += count * bool(states[host]) * times[domains.index(domain)]
        by_domain[domain] += count
    shares = np.divide(closed, counted, out=np.full(1001, np.nan), where=counted > 0)
    squares = sum(count**2 for count in by_domain.values())
    return Part(portion, shares[0], shares[1:], counted[0] ** 2 / squares if squares else np.nan)


def limit_exactly(share: float, n: float) -> tuple[float, float]:
    """The limits of Clopper and Pearson by the quantiles of two beta distributions."""
    x = share * n
    low = beta.ppf(0.025, x, n - x + 1) if x > 1e-9 else 0.0
    return low, beta.ppf(0.975, x + 1, n - x) if n - x > 1e-9 else 1.0


def limit_level(part: Part) -> Limits:
    """The share of a part, its limits, and how they come about."""
    low, high = np.nanquantile(part.replicates, [0.025, 0.975])
    if part.n >= 30 and part.n * min(part.share, 1 - part.share) >= 10:
        return part.share, low, high, "bootstrap"
    limits = limit_exactly(part.share, part.n)
    return part.share, min(low, limits[0]), max(high, limits[1]), "effective_n"


def limit_change(first: Part, last: Part) -> Limits:
    """The change of a part, likewise."""
    change, n = last.share - first.share, min(first.n, last.n)
    low, high = np.nanquantile(last.replicates - first.replicates, [0.025, 0.975])
    if n >= 30 and n * abs(change) >= 10:
        return change, low, high, "bootstrap"
    gained, lost = max(change, 0.0), max(-change, 0.0)
    (gained_low, gained_high), (lost_low, lost_high) = limit_exactly(gained, n), limit_exactly(lost, n)
    least = change - ((gained - gained_low) ** 2 + (lost_high - lost) ** 2) ** 0.5
    most = change + ((gained_high - gained) ** 2 + (lost - lost_low) ** 2) ** 0.5
    return change, min(low, max(least, -1)), max(high, min(most, 1)), "effective_n"


def limit_whole(parts: list[tuple[float, Limits, Any]]) -> Limits:
    """Those of the whole, from portion, limits and replicates of each part."""
    methods = {limits[3] for _, limits, _ in parts}
    value = sum(a * limits[0] for a, limits, _ in parts)
    if methods == {"bootstrap"}:
        low, high = np.nanquantile(sum(a * replicates for a, _, replicates in parts), [0.025, 0.975])
        return value, low, high, "bootstrap"
    below = sum((a * (limits[0] - limits[1])) ** 2 for a, limits, _ in parts) ** 0.5
    above = sum((a * (limits[2] - limits[0])) ** 2 for a, limits, _ in parts) ** 0.5
    return value, value - below, value + above, methods.pop() if len(methods) == 1 else "mixed"
