"""A real server on this machine that speaks S3 (moto's), in a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any

KEYS = {"aws_access_key_id": "an-id", "aws_secret_access_key": "a-secret", "region_name": "us-east-1"}


class S3Server:
    """Runs from `with` to its end; buckets come into being with their first file. `client` asks it."""

    keys = KEYS

    def __enter__(self) -> "S3Server":
        import boto3

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client: Any = boto3.client("s3", endpoint_url=self.address, **KEYS)
        self._buckets: set[str] = set()
        self._wait_for_answer()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Store a file."""
        if bucket not in self._buckets:
            self.client.create_bucket(Bucket=bucket)
            self._buckets.add(bucket)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None, "the server did not start"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
