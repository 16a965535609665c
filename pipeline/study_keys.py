"""The keys of the study file as a table: section, key, default, and what a good value is."""

import difflib
import re
from collections.abc import Iterator, Mapping

from consent.dialects import DIALECTS
from pipeline.corpora import SECTION, check_corpora
from pipeline.key import (
    REQUIRED,
    REQUIRED_THERE,
    Key,
    Problem,
    find_section,
    is_address,
    is_count,
    is_flag,
    is_number,
    is_text,
    is_texts,
)
from pipeline.probe_keys import PROBE_KEYS
from pipeline.url_keys import URL_KEYS

LONGEST_COOLDOWN_S = 24 * 3600
BUCKET = re.compile(r"s3://[^/\s]+(/\S*)?")
CRAWL_ID = re.compile(r"CC-MAIN-\d{4}(-\d{2})?(-\d{2})?")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) is not None


def _is_license(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.+-]+|https?://\S+", value) is not None


def _is_cooldown(value: object) -> bool:
    return is_number(value) and float(str(value)) <= LONGEST_COOLDOWN_S


def _is_crawls(value: object) -> bool:
    if isinstance(value, dict):
        ids = list(value.values())
        return bool(ids) and set(value) <= {"from", "to"} and all(_is_crawl(item) for item in ids)
    return value == "all" or (
        isinstance(value, list) and bool(value) and all(_is_crawl(item) for item in value)
    )


def _is_crawl(value: object) -> bool:
    return isinstance(value, str) and CRAWL_ID.fullmatch(value) is not None


def _is_root(value: object) -> bool:
    return is_text(value) and (
        "://" not in str(value) or str(value).split("://")[0] in ("http", "https", "file", "s3")
    )


def _is_place(value: object) -> bool:
    return is_text(value) and ("://" not in str(value) or BUCKET.fullmatch(str(value)) is not None)


def _are_dialects(value: object) -> bool:
    return (
        is_texts(value) and isinstance(value, list) and set(value) <= {dialect.name for dialect in DIALECTS}
    )


_ROOT = 'a folder, or an address such as "https://data.commoncrawl.org/" or "s3://commoncrawl/"'
_CRAWLS = '"all", a list such as ["CC-MAIN-2024-10"], or { from = "CC-MAIN-2020-39", to = "CC-MAIN-2025-08" }'

_PLACE = 'the path of a folder, relative to the study file, or a bucket such as "s3://bucket/census"'

KEYS = (
    Key("study", "name", REQUIRED, "a short name of letters, digits, dot, dash and underscore", _is_name),
    Key("study", "title", "", "a line of text", is_text),
    Key("study", "license", "CC-BY-4.0", "an SPDX identifier or the address of a text", _is_license),
    Key("archive", "root", REQUIRED, _ROOT, _is_root),
    Key("archive", "crawls", "all", _CRAWLS, _is_crawls),
    Key("archive", "mode", "auto", '"scan", "index" or "auto"', lambda v: v in ("scan", "index", "auto")),
    Key("archive", "serials", None, "a whole number from 1, or no such key to read every file", is_count),
    Key("archive", "requests_per_s", 1.5, "a number of requests per second, 0 or more", is_number),
    Key("archive", "cooldown_s", 900, "a number of seconds from 0 to 86400, which is a day", _is_cooldown),
    Key(
        "archive", "contact", "", 'an e-mail address or a page, such as "https://example.org/us"', is_address
    ),
    Key("archive", "i_am_inside_aws", False, "true or false", is_flag),
    Key("sites", "file", "", "the path of a CSV file with a column host", is_text),
    Key("agents", "registry", "", "the path of a CSV file like the bundled agents.csv", is_text),
    Key("agents", "track", None, 'a list of product tokens such as ["GPTBot", "CCBot"]', is_texts),
    Key("declare", "dialects", None, f"a list out of {', '.join(d.name for d in DIALECTS)}", _are_dialects),
    Key("engine", "name", "local", '"local", "spark" or "slurm"', lambda v: v in ("local", "spark", "slurm")),
    Key("engine", "workers", None, "a whole number from 1", is_count),
    Key("engine", "master", "", 'a Spark master such as "spark://host:7077" or "yarn"', is_text),
    Key("engine", "slices", 100, "a whole number from 1: the most elements of a job array", is_count),
    Key(
        "engine", "sbatch", None, 'a list of options such as ["--partition=cpu", "--time=04:00:00"]', is_texts
    ),
    Key("output", "folder", REQUIRED, _PLACE, _is_place),
    Key("output", "work", "", "the path of a folder of this machine, relative to the study file", is_text),
    Key("output", "store", "", f"the place of bodies that several studies may share: {_PLACE}", _is_place),
    *PROBE_KEYS,
    *URL_KEYS,
)


def check_document(document: Mapping[str, object]) -> tuple[Problem, ...]:
    """Everything wrong with a study file's keys and values; empty when it is good."""
    return (*_check_names(document), *_check_values(document), *check_corpora(document))


def _check_names(document: Mapping[str, object]) -> Iterator[Problem]:
    sections = {key.section for key in KEYS}
    outer = {section.partition(".")[0] for section in sections}
    known = outer | {SECTION}
    for section in document.keys() - known:
        yield Problem(section, "", "there is no such section", _nearest(section, known))
    for section in sorted(sections):
        content = find_section(document, section)
        if isinstance(content, Mapping):
            yield from _check_section(section, content)
        elif content is not None:
            what = f"this is a value, not a section: {content!r}"
            yield Problem(section, "", what, f"write [{section}] on a line")


def _check_section(section: str, content: Mapping[str, object]) -> Iterator[Problem]:
    inner = {key.section for key in KEYS if key.section.startswith(f"{section}.")}
    known = {key.key for key in KEYS if key.section == section} | {name.rpartition(".")[2] for name in inner}
    for name in content:
        if name not in known:
            yield Problem(section, name, "there is no such key", _nearest(name, known))


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"remove it; known are {', '.join(sorted(known))}"


def _check_values(document: Mapping[str, object]) -> Iterator[Problem]:
    for key in KEYS:
        section = find_section(document, key.section)
        content = {} if section is None else section
        if not isinstance(content, Mapping):
            continue
        if key.key in content:
            if not key.check(content[key.key]):
                what = f"{content[key.key]!r} cannot be used"
                yield Problem(key.section, key.key, what, f"give {key.expected}")
        elif key.default is REQUIRED or (key.default is REQUIRED_THERE and section is not None):
            fix = f"add {key.key} = …, {key.expected}"
            yield Problem(key.section, key.key, "this key is missing", fix)
