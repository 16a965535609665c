"""The job of `robots_job.py` on cc-pyspark's faster base class, which reads by FastWARC."""

from typing import Any

from fastwarc.warc import WarcRecordType
from robots_job import RobotsJob
from sparkcc_fastwarc import CCFastWarcSparkJob


class RobotsFastWarcJob(RobotsJob, CCFastWarcSparkJob):  # type: ignore[misc]
    """Response records only, as cc-pyspark's own examples do it."""

    name = "RobotsFastWarcJob"
    fastwarc_record_filter = WarcRecordType.response

    @staticmethod
    def status_of(record: Any) -> str:
        """The HTTP status as FastWARC has it."""
        return str(record.http_headers.status_code)


if __name__ == "__main__":
    RobotsFastWarcJob().run()
