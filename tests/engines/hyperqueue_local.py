#!/usr/bin/env python3
"""A sweep as an array of tasks of HyperQueue, on two workers of this machine.

usage: hyperqueue_local.py DMSIM WORK

The server and the workers are those of HyperQueue's Python package, which cannot start workers on other machines.
Each task runs the command of `dmsim sweep submit --engine hyperqueue` and takes its shard from HQ_TASK_ID. The tables
must be those of a local run. Ends with 77 where the package is not installed.
"""

import re
import shlex
import subprocess
from pathlib import Path

from common import CELLS, arguments, compare, dmsim, expected, plan, say, skip

SHARDS = 8


def command_of(program, folder):
    """The command of a task, as `submit` would hand it to HyperQueue."""
    printed = dmsim(
        program, "sweep", "submit", folder, "--engine", "hyperqueue", "--of", str(SHARDS), "--dry-run"
    )
    words = shlex.split(printed)
    assert words[:2] == ["hq", "submit"], printed
    assert words[words.index("--array") + 1] == f"0-{SHARDS - 1}", printed
    return words[words.index("--") + 1 :]


def main():
    try:
        from hyperqueue import Job, LocalCluster
        from hyperqueue.cluster import WorkerConfig
    except ImportError as error:
        skip(f"{error}: install python/requirements.txt")
    program, work = arguments(Path(__file__).name)
    reference = expected(program, work)
    folder = plan(program, work, "hyperqueue")
    command = command_of(program, folder)
    logs = work / "logs"
    logs.mkdir()
    with LocalCluster(server_dir=str(work / "server")) as cluster:
        for _ in range(2):
            cluster.start_worker(WorkerConfig(cores=1))
        client = cluster.client()
        job = Job(max_fails=SHARDS)
        for shard in range(SHARDS):
            # HyperQueue itself sets HQ_TASK_ID; the tasks of a job are numbered from 0 in this order.
            job.program(
                command, stdout=str(logs / f"{shard}.out"), stderr=str(logs / f"{shard}.err"), cwd=str(work)
            )
        submitted = client.submit(job)
        client.wait_for_jobs([submitted])
    made = {path.stem: re.match(r"(\d+) cells made", path.read_text()) for path in logs.glob("*.out")}
    total = sum(int(found[1]) for found in made.values() if found)
    if len(made) != SHARDS or total != CELLS:
        raise SystemExit(f"FAILED: {len(made)} tasks made {total} cells of {CELLS}: see {logs}")
    say(f"hyperqueue: {total} cells in {SHARDS} tasks on two workers")
    compare(program, folder, reference, "hyperqueue")
    # A task with a shard that does not exist must be told apart from one that has nothing to do.
    wrong = subprocess.run(
        [program, "sweep", "run", folder, "--shard", "auto", "--of", "2"],
        env={"HQ_TASK_ID": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    if wrong.returncode != 2:
        raise SystemExit(f"FAILED: shard 2 of 2 ended with {wrong.returncode}: {wrong.stderr}")


if __name__ == "__main__":
    main()
