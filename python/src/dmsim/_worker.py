"""What runs on the workers of a Dask cluster: shards of a sweep.

The functions of this module are sent to the workers as they are. So they use nothing but Python's own library and
Dask, take and return plain values, and workers need not have this package.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import get_worker


def digest_of(folder: Path) -> str:
    """Names a plan: SHA-256 of what is to be run, 64 hexadecimal digits.

    Raises
    ------
    OSError: there is no planned sweep in the folder.
    """
    digest = hashlib.sha256()
    for name in ("plan.json", "cells.jsonl"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def file_of(cell: str) -> str:
    """The file of a cell's result, from the folder of its sweep."""
    return f"cells/{cell[:2]}/{cell}.json"


def unchanged(archive: bytes) -> bytes:
    """A task that is its argument. Unlike scattered data it can be made again where all who held it are lost."""
    return archive


def shared_shard(binary: str, folder: str, digest: str, shard: int, of: int, jobs: int) -> dict[str, Any]:
    """Runs a shard in a folder that all machines see under the same path. Returns its receipt.

    Raises
    ------
    RuntimeError: the folder is not seen here, holds another sweep, or the shard could not be run.
    """
    worker = get_worker().address
    try:
        found = digest_of(Path(folder))
    except OSError as error:
        raise RuntimeError(
            f"{worker} does not see the sweep ({error}): without a shared folder use --send"
        ) from error
    if found != digest:
        raise RuntimeError(f"{worker} sees another sweep in {folder}: it is another folder there")
    return _run(binary, Path(folder), shard, of, jobs)


def sent_shard(
    binary: str, archive: bytes, digest: str, cells: Sequence[str], shard: int, of: int, jobs: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Runs a shard of a plan that was sent here. Returns its receipt, and by cell the bytes of its result.

    Raises
    ------
    RuntimeError: the shard could not be run.
    """
    # Dask removes this folder with the worker.
    folder = Path(get_worker().local_directory) / f"dmsim-{digest[:32]}"
    if not folder.is_dir():
        # Threads of a worker may come here together: each unpacks aside, and the first one to rename wins.
        aside = Path(tempfile.mkdtemp(prefix="dmsim-", dir=folder.parent))
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            tar.extractall(aside, filter="data")
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    receipt = _run(binary, folder, shard, of, jobs)
    return receipt, {cell: (folder / file_of(cell)).read_bytes() for cell in cells}


def _run(binary: str, folder: Path, shard: int, of: int, jobs: int) -> dict[str, Any]:
    begin = time.monotonic()
    worker = get_worker().address
    command = [binary, "sweep", "run", str(folder), "--shard", str(shard), "--of", str(of)]
    command += ["--jobs", str(jobs), "--format", "json"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise RuntimeError(f"{worker} cannot start {binary}: {error}") from error
    # With 1, 4 and 6 all cells have a result, and in some of them it is a failure.
    if done.returncode not in (0, 1, 4, 6) or not done.stdout:
        said = done.stderr.strip()[-2000:]
        raise RuntimeError(f"shard {shard} of {of} on {worker}: dmsim ended with {done.returncode}: {said}")
    counts = json.loads(done.stdout)
    return {
        "shard": shard,
        "worker": str(worker),
        "exit_code": done.returncode,
        "cells": counts["cells"],
        "made": counts["made"],
        "failed": counts["failed"],
        "elapsed_s": time.monotonic() - begin,
    }
