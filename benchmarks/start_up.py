"""How long the command line takes to answer: a fresh process each time.

Run: python benchmarks/start_up.py [--runs 9]
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["run", "--help"], ["weights", "list"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print(f"{'command':<24} {'fastest s':>10} {'median s':>10}   bare python takes the first row")
    for arguments in (None, *COMMANDS):
        code = ["-c", "pass"] if arguments is None else ["-m", "tenken", *arguments]
        seconds = [seconds_of([sys.executable, *code]) for _ in range(runs + 1)][1:]
        name = "python -c pass" if arguments is None else "inspect " + " ".join(arguments)
        print(f"{name:<24} {min(seconds):10.3f} {statistics.median(seconds):10.3f}")


def seconds_of(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
