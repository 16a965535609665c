"""The job that cc-pyspark is given: what each robots.txt capture is, and what it declares to each agent.

    spark-submit --py-files sparkcc.py robots_job.py --agents LIST --times FILE INPUT TABLE

A subclass of `CCSparkJob` with `process_record` of its own, as its README asks users to write; cc-pyspark
itself runs as it is. `--agents` names a file with an agent a line: without it only the facts of a capture are
kept.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from protego import Protego
from pyspark.sql.types import ArrayType, BooleanType, LongType, StringType, StructField, StructType
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
    ]
)


class RobotsJob(CCSparkJob):  # type: ignore[misc]
    """Facts of every capture of robots.txt, and whether each agent may fetch the site's root."""

    name = "RobotsJob"
    output_schema = StructType([StructField("key", StringType()), StructField("val", CAPTURE)])
    agents: tuple[str, ...] = ()

    def add_arguments(self, parser: Any) -> None:
        """Our options beside those of cc-pyspark."""
        super().add_arguments(parser)
        parser.add_argument("--agents", type=Path)
        parser.add_argument("--times", type=Path, required=True)

    def run_job(self, session: Any) -> None:
        """cc-pyspark's own run, and when it began and ended: before it lies the start of the session.

        So does that of the executors' Python, and a first question to Spark SQL.
        """
        self.agents = tuple(self.args.agents.read_text().split("\n")) if self.args.agents else ()
        session.sparkContext.parallelize(range(WARM_UP), WARM_UP).map(str).count()
        session.range(1).collect()
        began = time.time()
        super().run_job(session)
        self.args.times.write_text(json.dumps({"began": began, "ended": time.time()}))

    def process_record(self, record: Any) -> Iterator[tuple[str, tuple[object, ...]]]:
        """One row for each response, under its record's id."""
        if not self.is_response_record(record):
            return
        url = self.get_warc_header(record, "WARC-Target-URI")
        status = self.status_of(record)
        body = self.get_payload_stream(record).read()
        yield (
            self.get_warc_header(record, "WARC-Record-ID"),
            (
                url,
                status,
                self.get_warc_header(record, "WARC-Date"),
                self.get_warc_header(record, "WARC-Payload-Digest"),
                self.get_warc_header(record, "WARC-Identified-Payload-Type"),
                len(body),
                self.ask(url, status, body),
            ),
        )

    def ask(self, url: str, status: str, body: bytes) -> list[bool] | None:
        """Whether each agent may fetch the root; None where there are no rules to ask, or no agents."""
        if not self.agents or not status.startswith("2"):
            return None
        rules, root = Protego.parse(body.decode("utf-8", "replace")), url.removesuffix("robots.txt")
        return [rules.can_fetch(root, agent) for agent in self.agents]

    @staticmethod
    def status_of(record: Any) -> str:
        """The HTTP status as warcio has it."""
        return str(record.http_headers.get_statuscode())


if __name__ == "__main__":
    RobotsJob().run()
