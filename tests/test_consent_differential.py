"""Our readings against independent readers: `google` against robotspy, `protego` against Protego itself.

Where robotspy disagrees is written down, case by case, in `tests/data/consent_known_disagreements.tsv`; a
new disagreement and a vanished one both fail. After a deliberate change run this file to write it anew.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from protego import Protego
from robots import RobotsParser

from consent.agents import read_registry
from consent.classify import read_reference
from consent.declarations import find_declaration
from consent.explain import explain
from consent.lines import cut_body
from consent.vocabulary import Restriction

GOLDEN = Path(__file__).parent / "data" / "consent_known_disagreements.tsv"
CORPUS = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared")) / "corpus/bodies.parquet"
REGISTRY = read_registry()
SITE = "https://example.org"
AGENTS = ("GPTBot", "CCBot", "Googlebot")
PATHS = ("/", "/x", "/x/y.html", "/a/b?c=d", "/index.html", "/caf%C3%A9", "/a$b", "/private/")
BLOCK = "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"

BODIES = {
    "empty": "",
    "no_group": "Disallow: /\n",
    "all": "User-agent: *\nDisallow: /\n",
    "none": "User-agent: *\nDisallow:\n",
    "named": BLOCK,
    "named_and_wildcard": f"User-agent: *\nDisallow: /private/\n\n{BLOCK}",
    "stacked_after_rule": f"User-agent: Googlebot\nDisallow: /x\n{BLOCK}",
    "merged_wildcard": f"User-agent: *\nAllow: /\n{BLOCK}\nUser-agent: *\nDisallow: /x",
    "merged_named": f"User-agent: GPTBot\nDisallow: /x\nUser-agent: Foo\nDisallow:\n{BLOCK}",
    "delay_between_agents": "User-agent: GPTBot\nCrawl-delay: 5\nUser-agent: CCBot\nDisallow: /\n",
    "sitemap_between_agents": "User-agent: GPTBot\nSitemap: https://h/s\nUser-agent: CCBot\nDisallow: /\n",
    "unknown_between_agents": "User-agent: GPTBot\nFoo: bar\nUser-agent: CCBot\nDisallow: /\n",
    "version_in_name": "User-agent: GPTBot/1.0\nDisallow: /\n",
    "words_in_name": "User-agent: GPTBot and others\nDisallow: /\n",
    "s_after_name": "User-agent: GPTBot/1.0 users\nDisallow: /\n",
    "star_with_words": "User-agent: * and others\nDisallow: /\n",
    "star_in_name": "User-agent: *bot*\nDisallow: /\n",
    "prefix_of_name": "User-agent: GPT\nDisallow: /\n",
    "longer_name": "User-agent: GPTBot-Image\nDisallow: /\n",
    "no_name": "User-agent: GPTBot\nDisallow: /x\nUser-agent:\nDisallow: /\n",
    "typo_agent": "Useragent: GPTBot\nDisallow: /\n",
    "typo_disallow": "User-agent: GPTBot\nDisalow: /\nDissallow: /x\n",
    "missing_colon": "User-agent GPTBot\nDisallow /\n",
    "space_before_colon": "User-agent : GPTBot\nDisallow : /\n",
    "comments": "# a\nUser-agent: GPTBot # b\n# c\nDisallow: /x # d\n",
    "upper_case": "USER-AGENT: GPTBOT\nDISALLOW: /x\nALLOW: /X\n",
    "cr_only": "User-agent: GPTBot\rDisallow: /\r",
    "crlf": "User-agent: GPTBot\r\n\r\nDisallow: /\r\n",
    "mark": "\ufeffUser-agent: GPTBot\nDisallow: /\n",
    "longest": "User-agent: *\nDisallow: /x\nAllow: /x/\n",
    "tie": "User-agent: *\nDisallow: /x\nAllow: /x\n",
    "wildcards": "User-agent: *\nDisallow: /*.html$\nAllow: /x/*\n",
    "query": "User-agent: *\nDisallow: /*?c=\nDisallow: /a?\n",
    "dollar": "User-agent: *\nDisallow: /$\n",
    "dollar_inside": "User-agent: *\nDisallow: /a$b\n",
    "no_slash": "User-agent: *\nDisallow: x\nDisallow: private/\n",
    "star_pattern": "User-agent: *\nDisallow: *\n",
    "star_pattern_html": "User-agent: *\nDisallow: *.html\n",
    "index": "User-agent: *\nDisallow: /\nAllow: /index.html\n",
    "not_ascii": "User-agent: *\nDisallow: /café\n",
    "escaped": "User-agent: *\nDisallow: /caf%c3%a9\nDisallow: /%78\n",
    "two_values": "User-agent: *\nDisallow: /x /private/\n",
    "absolute": "User-agent: *\nDisallow: https://example.org/x\n",
    "robots_txt": "User-agent: *\nDisallow: /\nAllow: /robots.txt\n",
    "html": "<!DOCTYPE html>\n<title>User-agent: *</title>\nDisallow: /\n",
    "long_line": "User-agent: *\nDisallow: " + " " * 17_000 + "/\n",
    "wildcard_and_named_stacked": "User-agent: *\nUser-agent: GPTBot\nDisallow: /x\n",
    "named_empty": "User-agent: *\nDisallow: /\nUser-agent: GPTBot\n",
}


def iter_disagreements() -> Iterator[str]:
    for name, body in BODIES.items():
        other = RobotsParser.from_string(body)
        for agent in AGENTS:
            for path in PATHS:
                ours = explain(body.encode(), [agent], SITE + path, "google").allowed
                theirs = other.can_fetch(agent, SITE + path)
                if ours is not theirs:
                    yield f"{name}\t{agent}\t{path}\t{ours}\t{theirs}\n"


def write_golden() -> None:
    head = "body\tagent\tpath\tgoogle\trobotspy\n"
    GOLDEN.write_text(head + "".join(iter_disagreements()), encoding="utf-8", newline="\n")


def test_google_differs_from_robotspy_where_it_is_known_to() -> None:
    _, *known = GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True)
    assert list(iter_disagreements()) == known


def probe_paths(body: bytes, chance: random.Random) -> list[str]:
    lines = body.decode("ascii", "ignore").splitlines()
    written = [
        line.partition(":")[2].partition("#")[0].strip()
        for line in lines
        if line.lower().lstrip()[:5] in PROBED
    ]
    chosen = chance.sample(written, min(len(written), 12))
    filled = [value.rstrip("$").replace("*", "z") for value in chosen]
    paths = [
        path for path in filled if path.startswith("/") and path.isprintable() and not path.startswith("//")
    ]
    return [*PATHS, *paths, *(path + "q" for path in paths)]


PROBED = ("allow", "disal")


def read_sample(every_nth: int) -> list[bytes]:
    from pyarrow import parquet

    return list(parquet.read_table(CORPUS, columns=["body"]).column("body").to_pylist()[::every_nth])


def count_wrong_levels(body: bytes, agents: tuple[str, ...], paths: list[str]) -> tuple[int, int]:
    """Count the probes, and those that `none`, `all` or the missing row of an agent does not hold for."""
    ruleset = read_reference(body, "protego", REGISTRY)
    other = Protego.parse(cut_body(body)[0].decode("utf-8-sig", "ignore"))
    n_probes = n_wrong = 0
    for agent in agents:
        row = find_declaration(ruleset, agent)
        for path in paths:
            fetchable = other.can_fetch(SITE + path, agent)
            same = row.agent != "*" or fetchable == other.can_fetch(SITE + path, "Unnamed-by-anyone")
            expected = {Restriction.NONE: True, Restriction.ALL: False}.get(row.restriction, fetchable)
            n_probes += 1
            n_wrong += not (same and fetchable is expected)
    return n_probes, n_wrong


@pytest.mark.parametrize("name", BODIES)
def test_protego_reading_promises_what_protego_does(name: str) -> None:
    body = BODIES[name].encode()
    n_probes, n_wrong = count_wrong_levels(body, AGENTS, list(PATHS))
    assert (n_probes, n_wrong) == (len(AGENTS) * len(PATHS), 0)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not here")
def test_protego_reading_promises_what_protego_does_on_real_bodies() -> None:
    chance = random.Random(2)
    agents = ("GPTBot", "ClaudeBot", "Applebot-Extended", "Google-Extended", "meta-externalagent")
    bodies = [body for body in read_sample(61) if len(body) < 20_000]
    counts = [count_wrong_levels(body, agents, probe_paths(body, chance)) for body in bodies]
    assert sum(n_probes for n_probes, _ in counts) > 10_000
    assert [body[:200] for body, (_, n_wrong) in zip(bodies, counts, strict=True) if n_wrong] == []


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not here")
def test_google_differs_from_robotspy_on_few_real_bodies() -> None:
    bodies = [body for body in read_sample(101) if len(body) < 20_000 and b"\0" not in body]
    different = 0
    for body in bodies:
        other = RobotsParser.from_string(body.decode("utf-8", "replace"))
        mine = [explain(body, [agent], SITE + path, "google").allowed for agent in AGENTS for path in PATHS]
        different += mine != [other.can_fetch(agent, SITE + path) for agent in AGENTS for path in PATHS]
    assert len(bodies) > 200
    assert different <= len(bodies) * 0.05


if __name__ == "__main__":
    write_golden()
    sys.stdout.write(f"{GOLDEN}\n")
