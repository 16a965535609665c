"""What a reader or a browser takes from a page of the report, for the tests that read it."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Page(HTMLParser):
    """Tables by caption, facts, images, what is loaded, where links go, and the specification."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[str, str] = {}
        self.images: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.spec: Any = None
        self.open: list[str] = []
        self._caption = self._fact = ""
        self._in: list[str] = []
        self._is_spec = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in ("meta", "link", "br", "img", "hr"):
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("td", "th", "caption"):
            self._in.append(tag)
        self._start_of_loading(tag, given)
        if tag == "svg":
            self.images.append(given.get("aria-label", "") if given.get("role") == "img" else "")
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])
        if tag == "data":
            self.tables[self._caption][-1].append(given["value"])
            self._in.append("data")
        self._is_spec = given.get("id") == "spec"
        self._fact = given.get("data-fact", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start_of_loading(tag, {name: value or "" for name, value in attrs})

    def _start_of_loading(self, tag: str, given: dict[str, str]) -> None:
        if tag == "a":
            self.links.append(given["href"])
        elif tag not in ("use", "svg"):
            names = ("src", "href", "xlink:href", "srcset", "data", "action", "poster")
            self.loaded += [given[name] for name in names if name in given]

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()
        if self._in and self._in[-1] == tag:
            self._in.pop()
        if tag == "table":
            self._caption = ""
        self._fact, self._is_spec = "", False

    def handle_data(self, data: str) -> None:
        if self._fact:
            self.facts[self._fact] = self.facts.get(self._fact, "") + data.replace("\u00a0", " ")
        if self._is_spec:
            self.spec = json.loads(data)
        else:
            self.texts.append(data)
        if self._in[-1:] == ["caption"]:
            self._caption = data
            self.tables[data] = []
        elif self._in[-1:] in (["td"], ["th"]) and self._caption:
            self.tables[self._caption][-1].append(data)

    @property
    def words(self) -> str:
        """All that is shown as text, with single spaces."""
        return " ".join(" ".join(self.texts).split())


def read_page(path: Path) -> Page:
    """A page from disk."""
    return Page(path.read_text(encoding="utf-8"))


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
