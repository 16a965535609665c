"""What a reader could not hand over, by reason. Nothing is skipped without a line here."""

from dataclasses import dataclass
from enum import StrEnum


class LossReason(StrEnum):
    """Why bytes or records of a WARC file gave no capture; the values are stored."""

    EMPTY_FILE = "empty_file"  # no byte at all
    NOT_GZIP = "not_gzip"  # no gzip member anywhere: an error page, a plain file
    STRAY_BYTES = "stray_bytes"  # bytes of no member or record, also members whose first bytes are broken
    DAMAGED_MEMBER = "damaged_member"  # deflate data or checksum wrong
    SHORT_FILE = "short_file"  # the file ends inside a member
    OVERSIZED_MEMBER = "oversized_member"  # inflates to more than any record of the archive
    BAD_WARC_HEADER = "bad_warc_header"  # no WARC record, or a response without usable URL or date
    SHORT_RECORD = "short_record"  # the block is shorter than its Content-Length
    OTHER_RECORD = "other_record"  # a kind of record that the archive does not write here, e.g. revisit
    BAD_HTTP = "bad_http"  # a response record that holds no HTTP response


@dataclass(frozen=True, slots=True)
class Loss:
    """All losses of one reason in one file.

    `n_records` counts the records known to be lost (0 where the bytes do not tell), `n_bytes` the
    compressed bytes concerned, `detail` says what was found the first time and where.
    """

    reason: LossReason
    n_records: int
    n_bytes: int
    detail: str


class LossTally:
    """Adds up losses of one file."""

    def __init__(self) -> None:
        self._by_reason: dict[LossReason, Loss] = {}

    def add(self, reason: LossReason, n_records: int, n_bytes: int, detail: str) -> None:
        """Count one loss; the first detail of a reason is kept."""
        old = self._by_reason.get(reason, Loss(reason, 0, 0, detail))
        self._by_reason[reason] = Loss(reason, old.n_records + n_records, old.n_bytes + n_bytes, old.detail)

    def listed(self) -> list[Loss]:
        """One loss per reason, sorted by reason; empty when nothing was lost."""
        return [self._by_reason[reason] for reason in sorted(self._by_reason)]
