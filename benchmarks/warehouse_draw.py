"""Draws the hosts, months, bodies and rulesets of a made-up study from the shape of a real one, in numbers.

Everything is arrays of integers here; `warehouse_input` turns them into the tables of a study.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from warehouse_shape import KINDS, QUANTILES, Shape

Ints = NDArray[np.int64]
RULES, NONE = KINDS.index("rules"), KINDS.index("none")
N_SHARED_PER_HOST = 0.1


class History(NamedTuple):
    """What every host answered in every month: kinds as places in KINDS, bodies as numbers, -1 without."""

    kinds: Ints
    bodies: Ints
    n_bodies: int


class Line(NamedTuple):
    """One agent of a ruleset; `word` is group match, both restrictions and whether there is a delay."""

    agent: str
    word: str


def draw_history(shape: Shape, n_hosts: int, n_months: int, rng: np.random.Generator) -> History:
    """Months × hosts: a Markov chain over the kinds, and the body of each month in which there are rules."""
    kinds = np.empty((n_months, n_hosts), dtype=np.int64)
    bodies = np.full((n_months, n_hosts), -1, dtype=np.int64)
    source = _Bodies(shape, n_hosts, rng)
    moves = np.cumsum(np.array(shape.moves), axis=1)
    kinds[0] = np.searchsorted(np.cumsum(shape.start), rng.random(n_hosts)).clip(max=NONE)
    bodies[0] = source.step(kinds[0] == RULES, np.zeros(n_hosts, dtype=bool))
    for month in range(1, n_months):
        drawn = rng.random(n_hosts)[:, None] > moves[kinds[month - 1]]
        kinds[month] = drawn.sum(axis=1).clip(max=NONE)
        bodies[month] = source.step(kinds[month] == RULES, kinds[month - 1] == RULES)
    return History(kinds, bodies, source.n_bodies)


class _Bodies:
    """Which body each host has: its last, one that it had before, one of many hosts, or a new one."""

    def __init__(self, shape: Shape, n_hosts: int, rng: np.random.Generator) -> None:
        self._shape, self._rng = shape, rng
        self._last = np.full(n_hosts, -1, dtype=np.int64)
        self._earlier = np.full(n_hosts, -1, dtype=np.int64)
        self.n_bodies = max(1, round(N_SHARED_PER_HOST * n_hosts))
        self._popular = cumulate(stretch(shape.shared_bodies, self.n_bodies))

    def step(self, has_rules: NDArray[np.bool_], had_rules: NDArray[np.bool_]) -> Ints:
        """The bodies of one month; -1 for hosts without rules in it."""
        is_new = self._last < 0
        is_back = ~is_new & ~had_rules
        is_changed = ~is_new & had_rules & (self._rng.random(len(is_new)) < self._shape.changes)
        for where, shares in (
            (is_new, self._shape.first),
            (is_back, self._shape.back),
            (is_changed, self._shape.changed),
        ):
            self._give(np.flatnonzero(where & has_rules), shares, is_changed)
        return np.where(has_rules, self._last, -1)

    def _give(self, hosts: Ints, shares: Mapping[str, float], is_changed: NDArray[np.bool_]) -> None:
        part = self._rng.random(len(hosts))
        fresh = hosts[part < shares.get("fresh", 0)]
        shared = hosts[part >= 1 - shares.get("shared", 0)]
        own = np.setdiff1d(hosts, np.concatenate([fresh, shared]))
        own = own[is_changed[own] & (self._earlier[own] >= 0)]
        swapped = self._last[own].copy()
        self._earlier[fresh], self._earlier[shared] = self._last[fresh], self._last[shared]
        self._last[own], self._earlier[own] = self._earlier[own], swapped
        self._last[shared] = np.searchsorted(self._popular, self._rng.random(len(shared)))
        self._last[fresh] = np.arange(self.n_bodies, self.n_bodies + len(fresh))
        self.n_bodies += len(fresh)


def draw_lengths(shape: Shape, n_bodies: int, rng: np.random.Generator) -> Ints:
    """Bytes of each body, between the quantiles measured; the longest hundredth at its lower end."""
    part = np.minimum(rng.random(n_bodies), QUANTILES[-2])
    return np.interp(part, QUANTILES, shape.body_lengths).astype(np.int64).clip(min=26)


def draw_rulesets(shape: Shape, n_bodies: int, rng: np.random.Generator) -> tuple[Ints, list[list[Line]]]:
    """The ruleset of every body as a number, and for each ruleset the agents that it names and *."""
    n_rulesets = max(2, round(shape.n_rulesets_per_body * n_bodies))
    popular = cumulate(stretch(shape.ruleset_ranks, n_rulesets))
    of_body = np.searchsorted(popular, rng.random(n_bodies))
    return of_body, _draw_lines(shape, n_rulesets, rng)


def draw_readings(shape: Shape, of_body: Ints, n_rulesets: int, rng: np.random.Generator) -> dict[str, Ints]:
    """For every other dialect the ruleset of each body: mostly the strict one, else that of another body."""
    readings = {}
    for dialect, share in shape.same_as_strict.items():
        other = rng.integers(0, n_rulesets, len(of_body))
        readings[dialect] = np.where(rng.random(len(of_body)) < share, of_body, other)
    return readings


def _draw_lines(shape: Shape, n_rulesets: int, rng: np.random.Generator) -> list[list[Line]]:
    n_named = _draw(shape.n_named, n_rulesets, rng).astype(int)
    n_others = _draw(shape.n_others, n_rulesets, rng).astype(int)
    stars = _draw(shape.star, n_rulesets, rng)
    words = iter(_draw(shape.answers, int(n_named.sum() + n_others.sum()), rng).tolist())
    agents = np.array(list(shape.named))
    pull = np.log(np.array(list(shape.named.values()), dtype=float))
    rulesets = []
    for named, others, star in zip(n_named.tolist(), n_others.tolist(), stars.tolist(), strict=True):
        # Without replacement, by share: the largest of logarithm plus Gumbel noise.
        chosen = agents[np.argsort(-(pull + rng.gumbel(size=len(pull))))[:named]].tolist()
        names = sorted([*chosen, *(f"robot-{number}" for number in range(others))])
        rulesets.append([Line("*", star), *(Line(name, next(words, star)) for name in names)])
    return rulesets


def _draw(counts: Mapping[str, int], n: int, rng: np.random.Generator) -> NDArray[np.str_]:
    shares = np.array(list(counts.values()), dtype=float)
    return rng.choice(np.array(list(counts)), size=n, p=shares / shares.sum())


def draw_weights(shape: Shape, n_hosts: int, rng: np.random.Generator) -> dict[str, Ints]:
    """Tokens of every host in every corpus: log-normal, the corpora going together as measured."""
    names = list(shape.log_weights)
    noise = rng.standard_normal((n_hosts, len(names))) @ np.linalg.cholesky(shape.weights_together).T
    return {
        name: np.exp(mean + deviation * noise[:, i]).astype(np.int64)
        for i, (name, (mean, deviation)) in enumerate(shape.log_weights.items())
    }


def stretch(shares: Sequence[float], n: int) -> NDArray[np.float64]:
    """The weights of n ranks: those measured, and what is missing to 1 spread evenly over the others."""
    measured = np.array(shares[:n])
    beyond = n - len(measured)
    rest = max(0.0, 1.0 - float(measured.sum())) / max(1, beyond)
    return np.concatenate([measured, np.full(beyond, rest)])


def cumulate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulated shares, the last exactly 1."""
    summed: NDArray[np.float64] = np.cumsum(weights) / weights.sum()
    summed[-1] = 1.0
    return summed
