"""The tables of runs and sweeps: which columns they have, of what type, in what unit (docs/output.md).

A column that a newer program has added is kept and its type guessed; one that an older program did not write is
missing from the frame. An empty cell is a missing value everywhere but in `labels`, where it stands for the whole run.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from .errors import FolderError

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["text", "labels", "category", "count", "maybe_count", "number", "seed", "amount", "flag"]
"""What a column holds.

text: a text, missing where empty. labels: a text that may be empty. category: a text of few values. count: a whole
number. maybe_count: one that may be missing. number: a float, NaN where missing. seed: 0 to 2^64 - 1. amount: an exact
decimal. flag: true or false.
"""


def _columns(**kinds: str) -> dict[str, Kind]:
    """Columns of a table from lists of names, one list a kind."""
    known: dict[str, Kind] = {}
    for kind, names in kinds.items():
        known.update(dict.fromkeys(names.split(), kind))  # type: ignore[arg-type]
    return known


TABLES: dict[str, dict[str, Kind]] = {
    "metrics": _columns(category="metric unit", labels="labels", number="value"),
    "series": _columns(category="metric", labels="labels", number="time_s value"),
    "deployments": _columns(
        count="deployment rounds attempts bids redeployments",
        text="name reason",
        category="orchestrator ensemble status outcome",
        number="submitted_s deadline_s running_s ended_s",
    ),
    "allocations": _columns(
        count="deployment generation ram_bytes disk_bytes",
        maybe_count="exit_code",
        text="peer city dns_name address ports",
        category="node allocation kind country end",
        number="committed_s started_s ended_s cpu_cores wanted_s served_s",
    ),
    "refusals": _columns(
        count="count",
        maybe_count="deployment",
        text="reason first_peer example",
        category="stage amount_class",
        number="first_time_s",
    ),
    "peers": _columns(
        count="crashes",
        text="peer city memberships",
        category="role organization country continent",
        number="lat lon up_fraction",
    ),
    "attacks": _columns(
        count="attempts executed refused successes before_anchoring",
        text="peer example",
        category="attack organization",
        number="start_s end_s shut_out_after_s graylisted_after_s",
    ),
    "operations": _columns(
        count="operation answers",
        text="by what said expected",
        category="outcome met",
        number="at_s ended_s",
    ),
    "connections": _columns(
        count="direct reversed punched relayed unreachable refused",
        category="caller called",
        number="ready_mean_s direct_mean_s",
    ),
    "requests": _columns(
        count="offered answered no_such_name unreachable refused timed_out reset overloaded unhealthy",
        category="stream",
        number="start_s length_s latency_p50_s latency_p95_s latency_p99_s",
    ),
    "contracts": _columns(
        count="contract signatures usage_events usage_lost invoices",
        text="name requestor provider host validator",
        category="model state currency",
        number="created_s accepted_s ended_s",
        amount="invoiced paid",
    ),
    "invoices": _columns(
        count="contract invoice items", text="name", number="invoiced_s paid_s", amount="amount paid"
    ),
    "capabilities": _columns(
        count="count", text="from to capabilities topics", category="slot action", number="expire_s"
    ),
    "history": _columns(
        maybe_count="deployment generation",
        text="peer node allocation state reason concerned",
        category="kind",
        number="time_s",
    ),
    "messages": _columns(
        count="message deployment size_bytes",
        text="from to",
        category="behaviour end",
        flag="is_broadcast",
        number="sent_s arrived_s ended_s",
    ),
    "peer-metrics": _columns(category="peer metric attribute", text="did", number="time_s value"),
    "cells": _columns(count="index replication", text="id digest", category="condition variant", seed="seed"),
    "summary": _columns(
        count="runs",
        category="condition variant metric unit",
        number="mean half_width standard_deviation bootstrap_low bootstrap_high median median_low median_high "
        "difference difference_half_width p_value",
    ),
    "failures": _columns(
        count="index replication", text="id error replay", category="condition variant kind", seed="seed"
    ),
}
"""The columns of each table, by its name: the file is `NAME.csv`."""

SERIES_UNITS = {
    "peers.up": "peers",
    "deployments": "deployments",
    "services.wanted": "allocations",
    "services.running": "allocations",
    "messages.sent": "messages",
    "messages.rejected": "messages",
    "flows.active": "transfers",
    "resources.allocated_cpu_cores": "cores",
    "cards.allocation_ratio": "fraction",
    "cards.fragmentation": "fraction",
}
"""Units of the series of a run, of which the file says only the names."""

_DTYPES: dict[Kind, str] = {
    "text": "str",
    "labels": "str",
    "category": "category",
    "count": "int64",
    "maybe_count": "Int64",
    "number": "float64",
    "seed": "uint64",
    "amount": "str",
    "flag": "bool",
}

_SUFFIXES = {"_s": "s", "_bytes": "B", "_cores": "cores", "_fraction": "fraction"}


def unit_of(column: str) -> str | None:
    """The unit that a column's name ends in (`s`, `B`, `cores`, `fraction`); degrees of `lat` and `lon`; else None."""
    if column in ("lat", "lon"):
        return "degrees"
    return next((unit for suffix, unit in _SUFFIXES.items() if column.endswith(suffix)), None)


def units_of(columns: list[str]) -> dict[str, str]:
    """The units of the columns that have one by their names."""
    return {column: unit for column in columns if (unit := unit_of(column)) is not None}


def _header(path: Path) -> list[str]:
    """The names of the columns of a file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), [])
    except FileNotFoundError:
        raise FolderError(f"{path.parent} has no {path.name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from error
    if not header:
        raise FolderError(f"{path} is empty: not even its columns are there")
    return header


def read_table(path: Path, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Reads a table with the types of its columns; units are in `attrs["units"]`.

    Columns that are not in `kinds` are taken for numbers where all of their cells are, and for texts else.

    Raises
    ------
    FolderError: the file is missing, or holds something that is not of its column's type.
    """
    header = _header(path)
    # `NA` is a country and `None` may be a variant: nothing but an empty cell is a missing value. Rust writes a
    # number that does not exist as `NaN` where a row has no form of its own for it.
    missing = {name: _missing(kinds.get(name)) for name in header if kinds.get(name) != "labels"}
    try:
        frame = pd.read_csv(
            path,
            dtype={name: _DTYPES[kinds[name]] for name in header if name in kinds},
            keep_default_na=False,
            na_values=missing,
            encoding="utf-8",
        )
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        raise FolderError(f"{path} is not the table that it is taken for: {error}") from error
    for name in header:
        if kinds.get(name) == "amount":
            frame[name] = frame[name].map(Decimal, na_action="ignore").astype(object)
    frame.attrs["units"] = units_of(header)
    return frame


def _missing(kind: Kind | None) -> list[str]:
    return ["", "NaN"] if kind == "number" else [""]


def read_table_polars(path: Path, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """The same as `read_table` in a frame of polars, which has no place for units.

    Raises
    ------
    ImportError: polars is not installed (`pip install 'dmsim[polars]'`).
    """
    import polars as pl

    types: dict[Kind, Any] = {
        "text": pl.String,
        "labels": pl.String,
        "category": pl.Categorical,
        "flag": pl.Boolean,
        "count": pl.Int64,
        "maybe_count": pl.Int64,
        "number": pl.Float64,
        "seed": pl.UInt64,
        "amount": pl.String,
    }
    header = _header(path)
    try:
        frame = pl.read_csv(
            path,
            schema_overrides={name: types[kinds[name]] for name in header if name in kinds},
            infer_schema_length=None,
            null_values={name: "NaN" for name in header if kinds.get(name) == "number"},
        )
    except pl.exceptions.PolarsError as error:
        raise FolderError(f"{path} is not the table that it is taken for: {error}") from error
    plain = [pl.col(name).fill_null("") for name in header if kinds.get(name) == "labels"]
    exact = [pl.col(name).str.to_decimal(scale=8) for name in header if kinds.get(name) == "amount"]
    return frame.with_columns(*plain, *exact)


def read_lines(path: Path) -> pd.DataFrame:
    """Reads a file of JSON objects, one a line, to a row each; what is nested stays a map or a list.

    Raises
    ------
    FolderError: the file is missing, or a line is not JSON.
    """
    try:
        with path.open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    except FileNotFoundError:
        raise FolderError(f"{path.parent} has no {path.name}") from None
    except ValueError as error:
        raise FolderError(f"{path} is broken: {error}") from error
    frame = pd.DataFrame(rows)
    frame.attrs["units"] = units_of(list(frame.columns))
    return frame


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises
    ------
    FolderError: the file is missing, or does not hold one.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FolderError(f"{path.parent} has no {path.name}") from None
    except ValueError as error:
        raise FolderError(f"{path} is broken: {error}") from error
    if not isinstance(value, dict):
        raise FolderError(f"{path} is broken: it holds no JSON object")
    return value


def expand_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a column for each key in its column `labels` (`key=value;key=value`), instead of that.

    A row without a key has a missing value there.
    """
    pairs = [
        dict(pair.partition("=")[::2] for pair in labels.split(";") if pair) for labels in frame["labels"]
    ]
    keys = sorted({key for row in pairs for key in row})
    taken = [key for key in keys if key in frame.columns and key != "labels"]
    if taken:
        raise ValueError(f"the frame has a column of the name of a label already: {', '.join(taken)}")
    columns = {key: pd.array([row.get(key) for row in pairs], dtype="str") for key in keys}
    wide = frame.drop(columns="labels").assign(**columns)
    wide.attrs = dict(frame.attrs)
    return wide
