"""The estimators once more, in fractions and plain loops, for studies of `warehouse_notation`."""

import random
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

BASES = ("observed", "carried_1y", "carried", "carried_files")
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "gpt": {"*": "some", "GPTBot": "all"},
    "cc": {"*": "all", "CCBot": "none", "GPTBot": "some"},
    "silent": {},
}
GROUPS = {
    "GPTBot": ("GPTBot",),
    "CCBot": ("CCBot",),
    "(any training)": ("GPTBot",),
    "(any data)": ("CCBot",),
    "(study combined)": ("GPTBot", "CCBot", "ClaudeBot"),
}
SNAPSHOTS = ("CC-MAIN-2022-05", "CC-MAIN-2022-40", "CC-MAIN-2023-06", "CC-MAIN-2024-10")
CLOSED = {"all": {"all"}, "some_or_all": {"some", "all"}}


def draw_study(seed: int, n_hosts: int = 16) -> dict[str, Any]:
    """A study of few hosts in all parts of a corpus, with two sources that are no web hosts."""
    rng = random.Random(seed)
    words = ["-", "-", "404", "403", "empty", "html", *RULESETS]
    hosts = [f"h{i}.example{i % 9}.org" for i in range(n_hosts)]
    places = {host: rng.choice(["head", "head", "sample", "sample", "listed"]) for host in hosts}
    places |= dict(zip(hosts, ["head", "sample", "listed", "head", "sample"], strict=False))
    weights = {(host, "c4"): float(rng.choice([0, 0.25, 1, 3, 7, 40])) for host in hosts}
    weights |= {(hosts[i], "c4"): 5.0 for i in range(3)}
    return {
        "snapshots": SNAPSHOTS,
        "histories": {host: " ".join(rng.choice(words) for _ in SNAPSHOTS) for host in hosts},
        "rulesets": RULESETS,
        "weights": weights,
        "strata": {host: "random" if place == "sample" else "chosen" for host, place in places.items()},
        "corpora": {"c4": ("random", 1000.0)},
        "heads": {(host, "c4") for host, place in places.items() if place == "head"},
        "no_domains": hosts[3:5],
    }


def is_closed(
    study: Mapping[str, Any], host: str, agent: str, place: int, basis: str, measure: str
) -> bool | None:
    """Whether the host is closed; None where that is not known on the basis."""
    words = study["histories"][host].split()
    if host in study["no_domains"]:
        return None
    usable = [
        i
        for i in range(place + 1)
        if words[i] != "-" and (basis != "carried_files" or words[i] not in ("404", "403"))
    ]
    if not usable or (basis == "observed" and usable[-1] < place):
        return None
    if basis == "carried_1y" and (_monday(place) - _monday(usable[-1])).days > 365:
        return None
    rules = study.get("reading", study["rulesets"]).get(words[usable[-1]], {})
    if rules is None:
        return None
    levels = {rules.get(member, rules.get("*", "none")) for member in GROUPS[agent]}
    return bool(levels & CLOSED[measure])


def without_domain(study: Mapping[str, Any], domain: str) -> dict[str, Any]:
    """The study of the corpus c4 without the hosts of a domain, and without their weight."""
    gone = [host for host in study["histories"] if domain_of(host) == domain]
    sample, total = study["corpora"]["c4"]
    left = {host: history for host, history in study["histories"].items() if host not in gone}
    return {
        **study,
        "histories": left,
        "no_domains": [host for host in study["no_domains"] if host in left],
        "corpora": {"c4": (sample, total - sum(study["weights"][host, "c4"] for host in gone))},
    }


def domain_of(host: str) -> str:
    """The domain that `draw_study` gives a host: what stands behind its first label."""
    return host.partition(".")[2]


def read_by(study: Mapping[str, Any], reading: str) -> dict[str, Any]:
    """The study as a reading has it: each ruleset as the dialect and the rule make of it; None if unread."""
    dialect, _, rule = reading.partition("+")
    made = study["other_readings"].get(dialect, {})
    rules = {name: study["rulesets"].get(made.get(name, name)) for name in study["rulesets"]}
    if rule:
        rules = {
            name: levels
            and {
                agent: study["longpre2024"].get((made.get(name, name), agent), level)
                for agent, level in {"*": "none", **levels}.items()
            }
            for name, levels in rules.items()
        }
    return {**study, "reading": rules}


def _monday(place: int) -> date:
    year, week = SNAPSHOTS[place][8:].split("-")
    return date.fromisocalendar(int(year), int(week), 1)


def split_hosts(study: Mapping[str, Any], corpus: str) -> dict[str, list[str]]:
    """The hosts of each part of a corpus."""
    parts: dict[str, list[str]] = {"head": [], "sample": [], "listed": []}
    sample = study["corpora"][corpus][0]
    for host in study["histories"]:
        is_sample = study["strata"].get(host) == sample
        part = "head" if (host, corpus) in study["heads"] else "sample" if is_sample else "listed"
        parts[part].append(host)
    return parts


def estimate(
    study: Mapping[str, Any], agent: str, place: int, estimator: str, basis: str, measure: str
) -> dict[str, Fraction | None]:
    """The closed share of the whole corpus c4 and of each part; None where there is none."""
    parts = split_hosts(study, "c4")
    weight = {host: Fraction(study["weights"][host, "c4"]) for hosts in parts.values() for host in hosts}
    total = Fraction(study["corpora"]["c4"][1])
    closed = {h: is_closed(study, h, agent, place, basis, measure) for h in weight}
    if estimator == "study":
        shares = {
            part: _ratio(
                sum(weight[h] for h in parts[part] if closed[h]), sum(weight[h] for h in parts[part])
            )
            for part in ("head", "sample")
        }
        head = sum(weight[h] for h in parts["head"]) / total
        return {**shares, "whole": _combine([(head, shares["head"]), (1 - head, shares["sample"])])}
    web = {part: [h for h in hosts if h not in study["no_domains"]] for part, hosts in parts.items()}
    total -= sum(weight[h] for h in study["no_domains"])
    shares = {
        part: _ratio(
            sum(weight[h] for h in hosts if closed[h]), sum(weight[h] for h in hosts if closed[h] is not None)
        )
        for part, hosts in web.items()
    }
    listed = {part: sum(weight[h] for h in web[part]) for part in ("head", "listed")}
    stands_for = {**listed, "sample": total - sum(listed.values())}
    return {**shares, "whole": _combine([(stands_for[part] / total, shares[part]) for part in web])}


def _ratio(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    return Fraction(part) / whole if whole else None


def _combine(portions: list[tuple[Fraction, Fraction | None]]) -> Fraction | None:
    counted = [(a, share) for a, share in portions if a > 0]
    if any(share is None for _, share in counted):
        return None
    return sum((a * share for a, share in counted if share is not None), Fraction(0))


def iter_estimates(study: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Fraction | None]]:
    """Every estimate of the corpus c4 by (snapshot, agent, estimator, part, basis, measure)."""
    for place, snapshot in enumerate(study["snapshots"]):
        for agent in GROUPS:
            for estimator, bases in (("study", BASES), ("design", BASES[:3])):
                for basis in bases:
                    for measure in CLOSED:
                        found = estimate(study, agent, place, estimator, basis, measure)
                        for part, share in found.items():
                            yield (snapshot, agent, estimator, part, basis, measure), share
