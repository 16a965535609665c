"""The job that cc-pyspark is given: what each robots.txt capture is, and what it declares to each agent.

    spark-submit --py-files sparkcc.py robots_job.py --agents LIST [--keep] --times FILE INPUT TABLE

A subclass of `CCSparkJob` with `process_record` of its own, as its README asks users to write; cc-pyspark
itself runs as it is. `--agents` names a file with an agent a line: without it only the facts of a capture are
kept. `--keep` asks for what a census keeps: digests are verified, every distinct body is kept once, and the
agents that a file names are asked for too.
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from protego import Protego
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
)
from sparkcc import CCSparkJob

WARM_UP = 16  # tasks: enough for every executor to get some
CAPTURE = StructType(
    [
        StructField("url", StringType()),
        StructField("status", StringType()),
        StructField("fetch_time", StringType()),
        StructField("digest", StringType()),
        StructField("mime", StringType()),
        StructField("length", LongType()),
        StructField("may_fetch", ArrayType(BooleanType())),
        StructField("named_may_fetch", MapType(StringType(), BooleanType())),
        StructField("is_sound", BooleanType()),
        StructField("body", BinaryType()),
    ]
)
AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:[ \t]*([^#\r\n]*)", re.IGNORECASE | re.MULTILINE)


class RobotsJob(CCSparkJob):  # type: ignore[misc]
    """Facts of every capture of robots.txt, and whether each agent may fetch the site's root."""

    name = "RobotsJob"
    output_schema = StructType([StructField("key", StringType()), StructField("val", CAPTURE)])
    agents: tuple[str, ...] = ()
    keeps: bool = False

    def add_arguments(self, parser: Any) -> None:
        """Our options beside those of cc-pyspark."""
        super().add_arguments(parser)
        parser.add_argument("--agents", type=Path)
        parser.add_argument("--keep", action="store_true")
        parser.add_argument("--times", type=Path, required=True)

    def run_job(self, session: Any) -> None:
        """cc-pyspark's own run, and when it began and ended: before it lies the start of the session.

        So does that of the executors' Python, and a first question to Spark SQL.
        """
        self.agents = tuple(self.args.agents.read_text().split("\n")) if self.args.agents else ()
        self.keeps = self.args.keep
        session.sparkContext.parallelize(range(WARM_UP), WARM_UP).map(str).count()
        session.range(1).collect()
        began = time.time()
        super().run_job(session)
        self.args.times.write_text(json.dumps({"began": began, "ended": time.time()}))

    def process_record(self, record: Any) -> Iterator[tuple[str, tuple[object, ...]]]:
        """A row for each response under its record's id, with `--keep` one for its body under its digest."""
        if not self.is_response_record(record):
            return
        url = self.get_warc_header(record, "WARC-Target-URI")
        status = self.status_of(record)
        body = self.get_payload_stream(record).read()
        digest = self.get_warc_header(record, "WARC-Payload-Digest")
        facts = (
            url,
            status,
            self.get_warc_header(record, "WARC-Date"),
            digest,
            self.get_warc_header(record, "WARC-Identified-Payload-Type"),
            len(body),
            *self.ask(url, status, body),
            self.is_sound(digest, body),
            None,
        )
        yield self.get_warc_header(record, "WARC-Record-ID"), facts
        if self.keeps and status.startswith("2"):
            yield digest, (None,) * (len(facts) - 1) + (body,)

    @staticmethod
    def reduce_by_key_func(first: Any, _: Any) -> Any:
        """Rows under one key are those of equal bodies: one is kept."""
        return first

    def is_sound(self, digest: str | None, body: bytes) -> bool | None:
        """Whether the body is what its record states; None where that is not asked."""
        if not self.keeps:
            return None
        return digest == f"sha1:{base64.b32encode(hashlib.sha1(body).digest()).decode()}"

    def ask(self, url: str, status: str, body: bytes) -> tuple[list[bool] | None, dict[str, bool] | None]:
        """Whether each agent may fetch the root, and each other that the file names.

        None where there are no rules to ask, or nobody is to be asked for.
        """
        if not self.agents or not status.startswith("2"):
            return None, None
        text = body.decode("utf-8", "replace")
        rules, root = Protego.parse(text), url.removesuffix("robots.txt")
        listed = [rules.can_fetch(root, agent) for agent in self.agents]
        if not self.keeps:
            return listed, None
        named = {agent.strip() for agent in AGENT_LINE.findall(text)}.difference(self.agents)
        return listed, {agent: rules.can_fetch(root, agent) for agent in named}

    @staticmethod
    def status_of(record: Any) -> str:
        """The HTTP status as warcio has it."""
        return str(record.http_headers.get_statuscode())


if __name__ == "__main__":
    RobotsJob().run()
