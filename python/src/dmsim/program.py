"""Calls of the program `dmsim`: runs, and the steps of a sweep."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import BadInput, BinaryNotFound, Interrupted, ProgramError, SafetyFinding
from .runs import Run, load_run
from .sweeps import Sweep, load_sweep

StrPath = str | os.PathLike[str]

_HOW_TO_BUILD = (
    "build it with `cargo build --release` in the repository of dmsim, then put target/release on PATH, "
    "set DMSIM_BINARY to the program's path, or give it as the argument `binary`"
)

_ERRORS: dict[int, type[ProgramError]] = {2: BadInput, 4: SafetyFinding, 130: Interrupted}


def find_binary(binary: StrPath | None = None) -> Path:
    """Finds the program.

    The first of: the argument, the environment variable DMSIM_BINARY, `dmsim` on PATH, `target/release/dmsim` in a
    folder above this package or above the working directory.

    Raises
    ------
    BinaryNotFound: there is none, or what the argument or the variable names cannot be executed.
    """
    for named, origin in (
        (binary, "the argument `binary`"),
        (os.environ.get("DMSIM_BINARY"), "DMSIM_BINARY"),
    ):
        if named:
            path = Path(named).expanduser()
            if not (path.is_file() and os.access(path, os.X_OK)):
                raise BinaryNotFound(f"{origin} names {path}, which is no program: {_HOW_TO_BUILD}")
            return path.resolve()
    if on_path := shutil.which("dmsim"):
        return Path(on_path).resolve()
    for start in (Path(__file__).resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            candidate = folder / "target" / "release" / "dmsim"
            if candidate.is_file() and os.access(candidate, os.X_OK):
                return candidate
    raise BinaryNotFound(f"the program dmsim was not found: {_HOW_TO_BUILD}")


def override(path: str, value: object) -> str:
    """The text behind `--set` for a value of Python.

    A text is taken as it is, as on the command line (`1%`, `{preset: desktop-pc}`); anything else is written as
    JSON, which is YAML: numbers (those of numpy too), booleans, None, lists and maps.

    Raises
    ------
    ValueError: the value is, or holds, a number that is not finite.
    TypeError: it holds something that JSON does not know.
    """
    if isinstance(value, str):
        return f"{path}={value}"
    return f"{path}={json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)}"


def _plain(value: object) -> object:
    """A number of numpy, or a path, as JSON knows it."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"a value of type {type(value).__name__} cannot be written into a scenario")


def call(
    *arguments: StrPath,
    binary: StrPath | None = None,
    fine: Iterable[int] = (0,),
    cwd: StrPath | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Calls the program and waits for its end.

    Parameters
    ----------
    arguments: of its command line, from the subcommand on.
    fine: exit codes that are no errors.
    cwd: its working directory, by default that of this process.
    timeout_s: after how many seconds of real time it is killed, by default never.

    Raises
    ------
    BinaryNotFound: see `find_binary`.
    ProgramError: it ended with another exit code. `BadInput`, `SafetyFinding` and `Interrupted` are such errors.
    subprocess.TimeoutExpired: it took longer than `timeout_s`.
    """
    # Colours are for terminals, and a message is one that is shown somewhere else.
    environment = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(
        [str(find_binary(binary)), *(os.fspath(argument) for argument in arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=cwd,
        env=environment,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode not in fine:
        raise _error(done)
    return done


def _error(done: subprocess.CompletedProcess[str]) -> ProgramError:
    return _ERRORS.get(done.returncode, ProgramError)(done.stderr.strip(), done.returncode)


def _call_for_cells(*arguments: StrPath, binary: StrPath | None) -> subprocess.CompletedProcess[str]:
    """Calls the program for cells of a sweep. That some of them failed (1, 4 and 6) is no error."""
    return call(*arguments, binary=binary, fine=(0, 1, 4, 6))


def _said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON that the program wrote."""
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ProgramError(
            f"{done.args[0]} did not write what dmsim writes: {done.stdout[:200]!r}", done.returncode
        )
    return said


def run(
    scenario: StrPath,
    *,
    seed: int | None = None,
    set: Mapping[str, object] | None = None,
    out: StrPath | None = None,
    overwrite: bool = False,
    metrics_only: bool = False,
    report: bool = True,
    record: Sequence[str] = (),
    binary: StrPath | None = None,
    timeout_s: float | None = None,
) -> Run:
    """Runs a scenario and reads its results.

    Parameters
    ----------
    scenario: the file.
    seed: instead of the scenario's, 0 to 2^64 - 1.
    set: values of the scenario to replace, by their paths, as in `{"network.loss": "1%"}`; see `override`.
    out: the folder of the results, by default `results/NAME-seedSEED` in the working directory. A folder that holds
        another run is kept, and the new one gets a number, unless `overwrite`.
    metrics_only: make `metrics.csv` and no other table.
    report: whether to make plots and `report.html` too.
    record: formats to record in addition: `events`, `open-metrics`, `otlp`, `perfetto`.
    binary: the program; see `find_binary`.
    timeout_s: after how many seconds of real time the run is killed, by default never.

    An expectation of the scenario that does not hold is no error: `passed` of the run is then false.

    Raises
    ------
    BinaryNotFound, BadInput, SafetyFinding, Interrupted, ProgramError: see `call`.
    """
    arguments: list[StrPath] = ["run", scenario, "--format", "json"]
    if seed is not None:
        arguments += ["--seed", str(seed)]
    for path, value in (set or {}).items():
        arguments += ["--set", override(path, value)]
    if out is not None:
        arguments += ["--out", out]
    if overwrite:
        arguments.append("--overwrite")
    if metrics_only:
        arguments.append("--metrics-only")
    elif not report:
        arguments.append("--no-report")
    if record:
        arguments += ["--record", ",".join(record)]
    # 1: an expectation failed, and the results are there all the same.
    done = call(*arguments, binary=binary, fine=(0, 1), timeout_s=timeout_s)
    return load_run(_said(done)["folder"])


def plan_sweep(
    study: StrPath,
    folder: StrPath,
    *,
    replications: int | None = None,
    overwrite: bool = False,
    binary: StrPath | None = None,
) -> Path:
    """Plans a study into a folder that holds all that its cells need (`dmsim sweep plan`).

    Parameters
    ----------
    replications: instead of as many as the study says.
    overwrite: replace a folder that holds another sweep.

    Returns the folder.

    Raises
    ------
    BadInput: the study is wrong, or the folder holds something else.
    """
    arguments: list[StrPath] = ["sweep", "plan", study, "-o", folder]
    if replications is not None:
        arguments += ["--replications", str(replications)]
    if overwrite:
        arguments.append("--overwrite")
    call(*arguments, binary=binary)
    return Path(folder)


def run_sweep(
    folder: StrPath,
    *,
    jobs: int | None = None,
    shard: tuple[int, int] | None = None,
    retry_failed: bool = False,
    binary: StrPath | None = None,
) -> dict[str, Any]:
    """Runs the cells of a sweep that have no result yet, on this machine (`dmsim sweep run`).

    Parameters
    ----------
    jobs: cells at the same time, by default as many as there are cores.
    shard: (which, of how many): only that part of the cells, counted from 0.
    retry_failed: run cells again that failed.

    Returns the receipt: `cells`, `made`, `known`, `failed`, `interrupted`, and `receipts` with `file` and `sha256` of
    each. A cell that fails is no error: it is counted, and `failures` of the merged sweep says why.
    """
    arguments: list[StrPath] = ["sweep", "run", folder, "--format", "json"]
    if jobs is not None:
        arguments += ["--jobs", str(jobs)]
    if shard is not None:
        arguments += ["--shard", str(shard[0]), "--of", str(shard[1])]
    if retry_failed:
        arguments.append("--retry-failed")
    return _said(_call_for_cells(*arguments, binary=binary))


def merge_sweep(folder: StrPath, *, also: Iterable[StrPath] = (), binary: StrPath | None = None) -> Sweep:
    """Merges the results of the cells to `cells.csv`, `summary.csv` and `failures.csv` (`dmsim sweep merge`).

    Parameters
    ----------
    also: folders with the same plan of which the results are taken too.

    Raises
    ------
    BadInput: a cell has no result yet, or two that differ.
    """
    arguments: list[StrPath] = ["sweep", "merge", folder]
    for other in also:
        arguments += ["--also", other]
    _call_for_cells(*arguments, binary=binary)
    return load_sweep(folder)


def study(
    file: StrPath,
    out: StrPath,
    *,
    replications: int | None = None,
    overwrite: bool = False,
    jobs: int | None = None,
    binary: StrPath | None = None,
) -> Sweep:
    """Plans, runs and merges a study in one, on this machine (`dmsim study`). Runs that are there are kept.

    Parameters are those of `plan_sweep` and `run_sweep`; `out` is the folder of the results.
    """
    arguments: list[StrPath] = ["study", file, "--out", out]
    if replications is not None:
        arguments += ["--replications", str(replications)]
    if overwrite:
        arguments.append("--overwrite")
    if jobs is not None:
        arguments += ["--jobs", str(jobs)]
    _call_for_cells(*arguments, binary=binary)
    return load_sweep(out)
