"""Runs the cells of a planned sweep on a Dask cluster: `python -m dmsim.dask DIR --scheduler ADDRESS`.

One task is one shard: it calls `dmsim sweep run DIR --shard K --of N` on its worker and returns a receipt. Either all
machines see the sweep's folder under the same path, or the plan is sent to the workers and their cells are sent back
(`--send`). A shard that was on a lost worker is run elsewhere; what is finished is never run again, so the same command
goes on after anything. Workers need Dask and the program `dmsim`, not this package.

Dask itself asks nobody who he is: whoever reaches a scheduler or a worker may run any program there. Let them listen on
loopback and join them by ssh tunnels, or give them TLS certificates (python/README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, LocalCluster, as_completed

from dmsim import _worker
from dmsim.errors import BinaryNotFound, Conflict, DmsimError, FolderError, ShardFailed
from dmsim.program import find_binary


@dataclass(frozen=True)
class Receipt:
    """What a worker says of a shard that it has finished."""

    shard: int
    """Which, from 0."""
    worker: str
    """The address of the worker."""
    exit_code: int
    """0, or 4 or 6 where the result of a cell is a failure."""
    cells: int
    """How many cells the shard has."""
    made: int
    """How many of them were run now."""
    failed: int
    """How many of them failed."""
    elapsed_s: float
    """How long it took there, in seconds of real time."""


@dataclass
class Outcome:
    """What came of a sweep."""

    of: int
    """How many shards it was cut into."""
    known: int = 0
    """How many of them were finished before."""
    receipts: list[Receipt] = field(default_factory=list)
    """One for each shard that was run now, in the order in which they came."""

    @property
    def exit_code(self) -> int:
        """The highest of the receipts'."""
        return max((receipt.exit_code for receipt in self.receipts), default=0)


class _Plan:
    """A planned sweep as this module sees it: which cells there are, and which have a result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.digest = _worker.digest_of(folder)
            with (folder / "cells.jsonl").open(encoding="utf-8") as lines:
                self.ids = [str(json.loads(line)["id"]) for line in lines]
        except (OSError, ValueError, KeyError) as error:
            raise FolderError(
                f"{folder} holds no planned sweep (`dmsim sweep plan` makes one): {error}"
            ) from error

    def shard(self, index: int, of: int) -> list[str]:
        """The cells of a shard, divided as the program divides them."""
        return self.ids[index * len(self.ids) // of : (index + 1) * len(self.ids) // of]

    def is_finished(self, cell: str) -> bool:
        """Whether a cell has a result."""
        try:
            return _is_whole((self.folder / _worker.file_of(cell)).read_bytes(), cell)
        except OSError:
            return False

    def unfinished(self, of: int) -> list[int]:
        """The shards of which a cell has no result."""
        return [shard for shard in range(of) if not all(map(self.is_finished, self.shard(shard, of)))]

    def missing(self, patience_s: float = 5.0) -> list[str]:
        """The cells that have no result. A network file system may show what others wrote some seconds later."""
        end = time.monotonic() + patience_s
        cells = [cell for cell in self.ids if not self.is_finished(cell)]
        while cells and time.monotonic() < end:
            time.sleep(0.25)
            cells = [cell for cell in cells if not self.is_finished(cell)]
        return cells

    def archive(self) -> bytes:
        """All that a worker needs, as a compressed tar; the same bytes for the same plan."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as tar:
            for name in ("plan.json", "cells.jsonl", "setups"):
                tar.add(self.folder / name, arcname=name)
        return buffer.getvalue()


class _Carried:
    """A function of `_worker` that goes to the workers as it is, not by its name: they need not have this package."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function

    def __call__(self, *arguments: object) -> object:
        return self.function(*arguments)

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        cloudpickle.register_pickle_by_value(_worker)
        try:
            # There it is the function itself that comes out.
            return cloudpickle.loads, (cloudpickle.dumps(self.function),)
        finally:
            cloudpickle.unregister_pickle_by_value(_worker)


def _keep(folder: Path, cell: str, contents: bytes) -> None:
    """Puts the result of a cell in its place, whole or not at all. One that is there already stays.

    Raises
    ------
    Conflict: the one that is there has other contents. The new one then lies beside it, as the program leaves it.
    """
    path = folder / _worker.file_of(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{cell}.", suffix=".partial", dir=path.parent)
    aside = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(contents)
    # mkstemp lets nobody else read its files.
    aside.chmod(0o644)
    try:
        # A link is made only where nothing is, whoever else tries at the same moment.
        path.hardlink_to(aside)
    except FileExistsError:
        there = path.read_bytes()
        if there != contents:
            if not _is_whole(there, cell):
                aside.replace(path)
                return
            beside = path.with_name(f"{cell}.conflict.json")
            aside.replace(beside)
            raise Conflict(f"a cell came out otherwise than before: compare {path} and {beside}") from None
    except OSError:
        # File systems that know no links.
        aside.replace(path)
        return
    aside.unlink()


def _is_whole(contents: bytes, cell: str) -> bool:
    """Whether it is the result of a cell. What is no whole JSON is none: a machine may have lost its power over it."""
    try:
        return bool(json.loads(contents)["id"] == cell)
    except (ValueError, KeyError, TypeError):
        return False


def run_sweep(
    client: Client,
    folder: str | os.PathLike[str],
    *,
    of: int | None = None,
    send: bool = False,
    jobs: int = 1,
    binary: str | os.PathLike[str] | None = None,
    retries: int = 2,
    tell: Callable[[str], object] | None = None,
) -> Outcome:
    """Runs all cells of a planned sweep that have no result yet on the workers of a cluster, and waits for them.

    Parameters
    ----------
    client: of the cluster.
    folder: of the sweep (`dmsim sweep plan`).
    of: into how many shards to cut it, by default four for each thread that the cluster has now. A shard should take
        some seconds at least, and there should be several for each worker.
    send: send the plan to the workers and their results back, for machines that share no folder.
    jobs: cells that a shard runs at the same time; Dask gives a thread of a worker one core, so by default 1.
    binary: the program's path, the same on all workers; by default what `find_binary` finds here.
    retries: how often a shard is tried again that could not be run. Those of lost workers are always run elsewhere.
    tell: called with a line of text at each step of progress.

    Raises
    ------
    FolderError: there is no planned sweep in the folder.
    Conflict: a cell was there already, with other contents.
    ShardFailed: a shard could not be run; the others are finished all the same.
    """
    plan = _Plan(Path(folder).resolve())
    program = str(find_binary(binary))
    say = tell or (lambda _: None)
    if of is None:
        say("waiting for the first worker")
        client.wait_for_workers(1)
        of = 4 * sum(client.nthreads().values())
    of = max(1, min(of, len(plan.ids)))
    engine = _Engine(client, plan, program, of, send, jobs, retries, say)
    unfinished = plan.unfinished(of)
    outcome = Outcome(of=of, known=of - len(unfinished))
    say(f"{len(plan.ids)} cells in {of} shards, of which {outcome.known} are finished")
    engine.run(unfinished, outcome, "")
    if plan.missing():
        # The scheduler still knew a task of the same name, of a result that was removed meanwhile.
        again = plan.unfinished(of)
        outcome.receipts = [receipt for receipt in outcome.receipts if receipt.shard not in again]
        engine.run(again, outcome, uuid.uuid4().hex[:8])
        if missing := plan.missing():
            raise ShardFailed(
                f"{len(missing)} cells have no result in {plan.folder}, though all shards were run"
            )
    return outcome


@dataclass(frozen=True)
class _Engine:
    """A sweep and the cluster on which it is run; the fields are the parameters of `run_sweep`."""

    client: Client
    plan: _Plan
    program: str
    of: int
    send: bool
    jobs: int
    retries: int
    say: Callable[[str], object]

    def run(self, shards: Sequence[int], outcome: Outcome, attempt: str) -> None:
        """Runs shards, and adds their receipts to the outcome as they come. `attempt` makes their names other ones."""
        futures = self.submit(shards, attempt)
        conflicts: list[Conflict] = []
        errors: list[str] = []
        try:
            for future in as_completed(futures):
                try:
                    result: Any = future.result()
                except Exception as error:
                    errors.append(f"{error}" or type(error).__name__)
                    self.say(f"shard {futures[future]} failed: {errors[-1]}")
                    continue
                if self.send:
                    result, files = result
                    conflicts += _keep_all(self.plan.folder, files)
                # The cluster need not remember what lies in files.
                future.release()
                outcome.receipts.append(receipt := Receipt(**result))
                failed = f" ({receipt.failed} failed)" if receipt.failed else ""
                self.say(
                    f"{outcome.known + len(outcome.receipts)}/{self.of} shards: {receipt.shard} on "
                    f"{receipt.worker}, {receipt.cells} cells{failed}, {receipt.elapsed_s:.1f} s"
                )
        except BaseException:
            self.client.cancel(list(futures))
            raise
        if conflicts:
            raise conflicts[0]
        if errors:
            raise ShardFailed(f"{len(errors)} of {self.of} shards could not be run: {errors[0]}")

    def submit(self, shards: Sequence[int], attempt: str) -> dict[Any, int]:
        """A task for each shard. The same part of the same plan has the same name, as long as the same cells of it are
        missing: a second client waits for what the first one has submitted instead of running it again."""
        mode = "sent" if self.send else "shared"
        label = f"{mode}-{self.plan.digest[:16]}-{_short(f'{self.plan.folder} {self.program} {self.jobs} {attempt}')}"
        if self.send and shards:
            task = _Carried(_worker.unchanged)
            archive = self.client.submit(task, self.plan.archive(), key=f"dmsim-plan-{label}")
        futures = {}
        for shard in shards:
            cells = self.plan.shard(shard, self.of)
            missing = _short(" ".join(cell for cell in cells if not self.plan.is_finished(cell)))
            task = _Carried(_worker.shared_shard)
            arguments: tuple[Any, ...] = (str(self.plan.folder), self.plan.digest)
            if self.send:
                task = _Carried(_worker.sent_shard)
                arguments = (archive, self.plan.digest, cells)
            future = self.client.submit(
                task,
                self.program,
                *arguments,
                shard,
                self.of,
                self.jobs,
                key=f"dmsim-shard-{label}-{shard}-of-{self.of}-{missing}",
                retries=self.retries,
                priority=-shard,
            )
            futures[future] = shard
        return futures


def _keep_all(folder: Path, files: dict[str, bytes]) -> list[Conflict]:
    """Keeps results of cells. Returns the conflicts: the other results are kept all the same."""
    conflicts = []
    for cell, contents in files.items():
        try:
            _keep(folder, cell, contents)
        except Conflict as conflict:
            conflicts.append(conflict)
    return conflicts


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: as `dmsim sweep run`, and 3 where shards could not be run."""
    parser = argparse.ArgumentParser(
        prog="python -m dmsim.dask",
        description="Run the cells of a planned sweep on a Dask cluster. Finished cells are not run again.",
        epilog="Dask asks nobody who he is: keep its ports on loopback, behind ssh tunnels, or use its TLS settings.",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder of `dmsim sweep plan`")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--scheduler", metavar="ADDRESS", help="of the scheduler, as in tcp://127.0.0.1:8786")
    where.add_argument("--local", metavar="WORKERS", type=int, help="start so many workers here, on loopback")
    parser.add_argument("--of", type=int, help="into how many shards to cut it (default: four a thread)")
    parser.add_argument(
        "--send", action="store_true", help="send plan and results, for want of a shared folder"
    )
    parser.add_argument("--jobs", type=int, default=1, help="cells of a shard at the same time (default: 1)")
    parser.add_argument("--dmsim", metavar="PATH", help="the program, on all workers")
    given = parser.parse_args(arguments)
    for name in ("of", "jobs", "local"):
        if (value := getattr(given, name)) is not None and value < 1:
            parser.error(f"--{name} must be at least 1")
    try:
        # What can be wrong here is told before anything is started.
        _Plan(Path(given.folder))
        find_binary(given.dmsim)
        with ExitStack() as stack:
            address = given.scheduler
            if given.local:
                # A port for HTTP is opened even without a dashboard: any free one, and on loopback as all others.
                address = stack.enter_context(
                    LocalCluster(
                        n_workers=given.local,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                    )
                )
            client = stack.enter_context(Client(address))
            outcome = run_sweep(
                client,
                given.folder,
                of=given.of,
                send=given.send,
                jobs=given.jobs,
                binary=given.dmsim,
                tell=_tell,
            )
    except (Conflict, FolderError, BinaryNotFound) as error:
        _tell(f"error: {error}")
        return 2
    except (DmsimError, OSError) as error:
        _tell(f"error: {error}")
        return 3
    except KeyboardInterrupt:
        return 130
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
