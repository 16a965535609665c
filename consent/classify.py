"""A body to its ruleset in any dialect: the door through which the other rooms come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from consent.declarations import Ruleset
from consent.dialects import find_dialect
from consent.fast import FastReader
from consent.readings import READINGS
from consent.reference import read_body

if TYPE_CHECKING:
    from consent.agents import Registry

LONGPRE_PREFIX = "longpre2024-"


class Classifier:
    """Reads bodies in one dialect for one registry; remembers lines and signatures within bounds.

    Raises ValueError when no dialect has that name. One per thread.
    """

    def __init__(self, dialect_name: str, registry: Registry) -> None:
        self.dialect = find_dialect(dialect_name)
        reading = READINGS.get(dialect_name)
        if reading is None:
            self._read = _find_foreign(dialect_name, registry)
        else:
            self._read = FastReader(reading, registry).read

    def read(self, body: bytes) -> Ruleset:
        """Give what `body` declares; never raises, whatever the octets."""
        return self._read(body)


def read_reference(body: bytes, dialect_name: str, registry: Registry) -> Ruleset:
    """Give what `body` declares by the readable reader; raises ValueError when no dialect has that name."""
    reading = READINGS.get(find_dialect(dialect_name).name)
    if reading is None:
        return _find_foreign(dialect_name, registry)(body)
    return read_body(body, reading, registry)


# Parsers of others are loaded when asked for: most runs never need them.
def _find_foreign(dialect_name: str, registry: Registry) -> Callable[[bytes], Ruleset]:
    if dialect_name == "protego":
        from consent.protego_reading import read_protego

        return lambda body: read_protego(body, registry)
    from consent.longpre import read_longpre

    version = dialect_name.removeprefix(LONGPRE_PREFIX)
    return lambda body: read_longpre(body, version, registry)
