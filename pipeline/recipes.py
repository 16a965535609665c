"""Bundled recipes: ready study files that replicate a published study, with what they say of its counts."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpora import Corpus, read_corpora

# In the wheel the folder is in this room; in the sources it stands beside the rooms.
FOLDERS = (Path(__file__).parent / "studies", Path(__file__).parents[1] / "studies")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A study file as text, its corpora, and the SHA-256 of the counts it was made for."""

    name: str
    text: str
    corpora: tuple[Corpus, ...]
    counts_sha256: str


def read_recipe(name: str) -> Recipe:
    """A bundled recipe by name; FileNotFoundError when there is none of that name."""
    places = [folder / f"{name}.toml" for folder in FOLDERS]
    path = next((place for place in places if place.is_file()), places[0])
    text = path.read_text(encoding="utf-8")
    stated = re.search(r"SHA-256 ([0-9a-f]{64})", text)
    assert stated is not None, "a recipe states the checksum of its counts"
    return Recipe(name, text, read_corpora(tomllib.loads(text)), stated[1])
