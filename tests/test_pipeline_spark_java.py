"""The Java that Spark runs on: told to compile little where nobody has said otherwise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.engines.spark_session import DEFAULTS, options_of_java

ROOT = Path(__file__).parents[1]
# Starts a session as the engine does, and tells how its Java was started and how its executors' will be.
STARTED = """
import json, os
from pathlib import Path
from pipeline.engines.spark_session import open_context
spark, _ = open_context("local[1]")
process = spark._jvm.java.lang.ProcessHandle.current().pid()
options = Path(f"/proc/{process}/cmdline").read_text().split("\\0")
executors = spark.getConf().get("spark.executor.extraJavaOptions")
print(json.dumps([options, executors, os.environ.get("SPARK_SUBMIT_OPTS")]))
spark.stop()
"""
LITTLE, FULLY = "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"


@pytest.mark.usefixtures("spark4")
def test_java_compiles_little_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    conf = tmp_path / "spark-defaults.conf"
    conf.write_text(f"spark.executor.extraJavaOptions {FULLY}\n", encoding="utf-8")
    environment = os.environ | {"SPARK_SUBMIT_OPTS": FULLY, "SPARK_CONF_DIR": str(tmp_path)}
    command = [sys.executable, "-c", STARTED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    driver, executors, left = json.loads(done.stdout.splitlines()[-1])
    # Of two, Java takes the last.
    assert [option for option in driver if "Tiered" in option] == [LITTLE, FULLY]
    assert [option for option in executors.split() if "Tiered" in option] == [FULLY]
    assert left == FULLY
    assert DEFAULTS["spark.executor.extraJavaOptions"] == LITTLE


def test_the_environment_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_SUBMIT_OPTS", raising=False)
    with options_of_java():
        assert os.environ["SPARK_SUBMIT_OPTS"] == LITTLE
    assert "SPARK_SUBMIT_OPTS" not in os.environ
