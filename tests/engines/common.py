"""What the tests of engines have in common: a small study, and the results that every engine must give."""

import filecmp
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Exit code of a test that cannot be run here.
SKIPPED = 77
TABLES = ("cells.csv", "summary.csv", "failures.csv")

# A run takes some tenths of a second: long enough for something to break while it is under way.
STUDY = f"""
version: 1
name: engines
scenario: {ROOT / "scenarios" / "outage.yaml"}
seed: 77
replications: 24
conditions:
  - {{name: outage, set: ["duration=90m"]}}
variants:
  - {{name: uniform, set: ["strategy.placement=uniform"]}}
  - {{name: least_loaded, set: ["strategy.placement=least_loaded"]}}
metrics:
  - higher: services.availability
  - lower: recovery_time.mean
  - lower: messages.sent
"""
CELLS = 48


def skip(reason):
    """Ends the test as one that cannot be run here."""
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def say(text):
    print(text, flush=True)


def arguments(usage):
    """The program and an empty folder to work in, from the command line."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {usage} DMSIM WORK")
    program, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    if not program.is_file():
        sys.exit(f"there is no program {program}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "study.yaml").write_text(STUDY, encoding="utf-8")
    return program, work


def dmsim(program, *words):
    """Calls the program, and ends the test where that fails."""
    done = subprocess.run(
        [program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        command = " ".join(map(str, words))
        sys.exit(f"FAILED: dmsim {command} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def plan(program, work, name):
    folder = work / name
    dmsim(program, "sweep", "plan", work / "study.yaml", "-o", folder)
    return folder


def expected(program, work):
    """The folder of the same study, run on this machine in one go and merged."""
    folder = plan(program, work, "local")
    begin = time.monotonic()
    dmsim(program, "sweep", "run", folder)
    dmsim(program, "sweep", "merge", folder)
    say(f"local run: {CELLS} cells in {time.monotonic() - begin:.1f} s")
    return folder


def compare(program, folder, reference, what):
    """Merges a sweep and compares its tables with those of another, byte for byte."""
    dmsim(program, "sweep", "merge", folder)
    for name in TABLES:
        if not filecmp.cmp(folder / name, reference / name, shallow=False):
            sys.exit(f"FAILED: {what}: {name} differs from that of a local run")
    say(f"{what}: {', '.join(TABLES)} are those of a local run, byte for byte")
