"""The section `[urls]` of the study file: how many of its own URLs are drawn of each host, and from where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.key import REQUIRED_THERE, Key, Problem, is_count, is_texts

EVERY, LAST = "all", "last"
_CRAWLS = '"all", "last", or a list of the study\'s releases such as ["CC-MAIN-2024-10"]'


@dataclass(frozen=True, slots=True)
class UrlSettings:
    """How URLs are drawn: `per_host` of each host at most; `crawls` is all, last or the ids of releases."""

    per_host: int
    crawls: str | tuple[str, ...]

    def choose(self, snapshots: Sequence[str]) -> tuple[str, ...]:
        """Those of the study's releases, in order, that are sampled."""
        if self.crawls == EVERY:
            return tuple(snapshots)
        if self.crawls == LAST:
            return tuple(sorted(snapshots)[-1:])
        return tuple(name for name in snapshots if name in self.crawls)


def _is_choice(value: object) -> bool:
    return value in (EVERY, LAST) or (isinstance(value, list) and bool(value) and is_texts(value))


URL_KEYS = (
    Key("urls", "per_host", REQUIRED_THERE, "a whole number from 1, for instance 100", is_count),
    Key("urls", "crawls", EVERY, _CRAWLS, _is_choice),
)


def build_urls(values: Mapping[str, object]) -> UrlSettings | None:
    """The settings of the section; None when the study file does not have it."""
    per_host, crawls = values["urls.per_host"], values["urls.crawls"]
    if per_host is REQUIRED_THERE:
        return None
    names = tuple(map(str, crawls)) if isinstance(crawls, list) else str(crawls)
    return UrlSettings(int(str(per_host)), names)


def check_urls(has_urls: bool, has_sites: bool) -> list[Problem]:
    """What is wrong with the section in this study file; nothing is read."""
    if has_urls and not has_sites:
        return [
            Problem("urls", "", "URLs are drawn of the hosts of [sites] file, and there is none", "add it")
        ]
    return []
