"""Tests that run in a process of their own, each file's together, started by one test of that file.

Training with torch beside OpenVINO, each with its threads, has twice been seen to end a process that had run other
tests for minutes with a segmentation fault. Inspections never train, and a retraining trains before it looks.
"""

import os
import subprocess
import sys
from pathlib import Path

INSIDE = "TENKEN_TEST_INSIDE"
"""Set where tests that are marked ``own_process`` are run, and no others."""


def pass_in_own_process(file: str, tests: int, tmp_path: Path) -> None:
    """Run those of a file's tests that are marked ``own_process``; all of so many pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inside'}"]
    told = subprocess.run(
        [*command, file], env=os.environ | {INSIDE: "1"}, capture_output=True, encoding="utf-8", check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"{tests} passed" in told.stdout
