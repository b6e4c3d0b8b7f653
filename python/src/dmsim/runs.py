"""One run: the folder that `dmsim run` writes."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .errors import FolderError, SchemaMismatch
from .tables import SERIES_UNITS, TABLES, expand_labels, read_json, read_lines, read_table, read_table_polars

if TYPE_CHECKING:
    import polars as pl

SCHEMA = 1
"""The version of `run.json` and of the tables that is read here."""


class Run:
    """The results of a run. Tables are read when they are first asked for; docs/output.md has their columns.

    Each is a frame of pandas with `attrs["units"]`: the unit of each column that has one (`s`, `B`, `cores`,
    `fraction`, `degrees`), and in `metrics` and `series`, where each row has its own, the unit of each metric.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Opens a folder; see `load_run`."""
        self.folder: Path = Path(folder).resolve()
        if not self.folder.is_dir():
            raise FolderError(f"there is no folder {self.folder}")
        if (self.folder / "plan.json").is_file():
            raise FolderError(f"{self.folder} is a sweep: read it with load_sweep")
        self.manifest: dict[str, Any] = read_json(self.folder / "run.json")
        """`run.json`: what was run and what came of it."""
        if (found := self.manifest.get("schema")) != SCHEMA:
            raise SchemaMismatch(f"{self.folder} is of schema {found}; this package reads schema {SCHEMA}")

    def __repr__(self) -> str:
        return f"<Run {self.name} (seed {self.seed}), digest {self.digest}, {self.folder}>"

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.manifest["name"])

    @property
    def seed(self) -> int:
        """The seed, 0 to 2^64 - 1."""
        return int(self.manifest["seed"])

    @property
    def duration_s(self) -> float:
        """How much time was simulated, in seconds."""
        return float(self.manifest["duration_s"])

    @property
    def digest(self) -> str:
        """The digest over all that happened: 32 hexadecimal digits. Equal runs have equal digests."""
        return str(self.manifest["digest"])

    @property
    def passed(self) -> bool:
        """Whether all expectations of the scenario held."""
        return all(expectation["passed"] for expectation in self.manifest["expectations"])

    @property
    def expectations(self) -> pd.DataFrame:
        """A row for each line of `expect`: `expression`, `value` (NaN: nothing was measured), `passed`."""
        frame = pd.DataFrame(self.manifest["expectations"], columns=["expression", "value", "passed"])
        return frame.astype({"expression": "str", "value": "float64", "passed": "bool"})

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """`provenance.json`: how the run was made and what it cost. It differs from run to run."""
        return read_json(self.folder / "provenance.json")

    def table(self, name: str) -> pd.DataFrame:
        """Reads a table by the name of its file without `.csv`.

        Raises
        ------
        FolderError: there is no such table, for instance because the run was made with `metrics_only`.
        """
        if name not in TABLES or name in ("cells", "summary", "failures"):
            raise FolderError(f"runs have no table {name!r}")
        path = self.folder / f"{name}.csv"
        if not path.exists():
            raise FolderError(f"{self.folder} has no {path.name}: {self._why_missing(name)}")
        frame = read_table(path, TABLES[name])
        if name == "metrics":
            frame.attrs["units"] = dict(
                zip(frame["metric"].astype(str), frame["unit"].astype(str), strict=True)
            )
        elif name == "series":
            frame.attrs["units"] |= SERIES_UNITS
        return frame

    def _why_missing(self, name: str) -> str:
        if name == "peer-metrics":
            return "only runs of scenarios that observe peers have it"
        return "a run with metrics_only has the table of metrics alone"

    def to_polars(self, name: str) -> pl.DataFrame:
        """Reads a table into a frame of polars, which has no place for units: `table(name).attrs` has them.

        Raises
        ------
        FolderError: there is no such table.
        ImportError: polars is not installed (`pip install 'dmsim[polars]'`).
        """
        if name not in TABLES or name in ("cells", "summary", "failures"):
            raise FolderError(f"runs have no table {name!r}")
        return read_table_polars(self.folder / f"{name}.csv", TABLES[name])

    def lines(self, name: str) -> pd.DataFrame:
        """Reads a file of JSON lines by its name without `.jsonl`: `events`, `logs`, `bus`, `elastic`, `traces`.

        Raises
        ------
        FolderError: there is no such file: the scenario observes no peer, or nothing was recorded.
        """
        return read_lines(self.folder / f"{name}.jsonl")

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """The final numbers: `metric`, `labels` (empty for the whole run), `value`, `unit`."""
        return self.table("metrics")

    @cached_property
    def scalars(self) -> pd.Series[float]:
        """The metrics of the whole run by name; NaN where nothing was measured. Units are in `attrs["units"]`."""
        whole = self.metrics[self.metrics["labels"] == ""]
        series = pd.Series(
            whole["value"].to_numpy(),
            index=pd.Index(whole["metric"].astype(str), name="metric"),
            name="value",
        )
        series.attrs["units"] = dict(self.metrics.attrs["units"])
        return series

    def metric(self, name: str, labels: str = "") -> float:
        """A final number; NaN where there was nothing to measure.

        Parameters
        ----------
        name: one of `dmsim list metrics`.
        labels: as they stand in the table (`reason=start`), by default those of the whole run.

        Raises
        ------
        KeyError: the run has no such metric.
        """
        found = self.metrics[(self.metrics["metric"] == name) & (self.metrics["labels"] == labels)]
        if found.empty:
            raise KeyError(
                f"{self.name} has no metric {name!r}" + (f" with labels {labels!r}" if labels else "")
            )
        return float(found["value"].iloc[0])

    def unit(self, name: str) -> str:
        """The unit of a metric or of a series.

        Raises
        ------
        KeyError: there is no such metric.
        """
        return str(({**SERIES_UNITS, **self.metrics.attrs["units"]})[name])

    @cached_property
    def series(self) -> pd.DataFrame:
        """Samples over time: `time_s`, `metric`, `labels`, `value`."""
        return self.table("series")

    def over_time(self, name: str) -> pd.DataFrame:
        """A series by `time_s`: a column for each value of its labels, or one of its own name without any.

        Raises
        ------
        KeyError: the run has no such series.
        """
        rows = self.series[self.series["metric"] == name]
        if rows.empty:
            raise KeyError(f"{self.name} has no series {name!r}")
        wide = expand_labels(rows.drop(columns="metric"))
        keys = [column for column in wide.columns if column not in ("time_s", "value")]
        if keys:
            column = wide[keys].agg(", ".join, axis=1) if len(keys) > 1 else wide[keys[0]]
            frame = wide.assign(column=column).pivot(index="time_s", columns="column", values="value")
            frame.columns.name = ", ".join(keys)
        else:
            frame = wide.set_index("time_s").rename(columns={"value": name})
        frame.attrs["units"] = {"time_s": "s", name: SERIES_UNITS.get(name, "")}
        return frame

    @cached_property
    def deployments(self) -> pd.DataFrame:
        """A row a deployment."""
        return self.table("deployments")

    @cached_property
    def allocations(self) -> pd.DataFrame:
        """A row a generation of an allocation on a peer."""
        return self.table("allocations")

    @cached_property
    def refusals(self) -> pd.DataFrame:
        """A row a (deployment, stage, reason, class of amount), counted."""
        return self.table("refusals")

    @cached_property
    def peers(self) -> pd.DataFrame:
        """A row a peer."""
        return self.table("peers")

    @cached_property
    def attacks(self) -> pd.DataFrame:
        """A row an attacker."""
        return self.table("attacks")

    @cached_property
    def operations(self) -> pd.DataFrame:
        """A row an operation of the scenario."""
        return self.table("operations")

    @cached_property
    def connections(self) -> pd.DataFrame:
        """A row a pair of classes of hosts."""
        return self.table("connections")

    @cached_property
    def requests(self) -> pd.DataFrame:
        """A row a stream of requests and interval."""
        return self.table("requests")

    @cached_property
    def contracts(self) -> pd.DataFrame:
        """A row a contract; amounts are exact decimals."""
        return self.table("contracts")

    @cached_property
    def invoices(self) -> pd.DataFrame:
        """A row an invoice; amounts are exact decimals."""
        return self.table("invoices")

    @cached_property
    def capabilities(self) -> pd.DataFrame:
        """A row a kind of token between two principals, as nodes hold them at the end."""
        return self.table("capabilities")

    @cached_property
    def history(self) -> pd.DataFrame:
        """What happened, a row each; missing where the run was made with `--no-history`."""
        return self.table("history")

    @cached_property
    def messages(self) -> pd.DataFrame:
        """A row a message of a deployment and receiver; missing where the run was made with `--no-history`."""
        return self.table("messages")

    @cached_property
    def events(self) -> pd.DataFrame:
        """Every fact and message, a row each: `time_s`, `peer`, `kind`, `count`, `labels` and `content` (maps).

        Raises
        ------
        FolderError: they were not recorded: run with `record=["events"]`.
        """
        if not (self.folder / "events.jsonl").exists():
            raise FolderError(
                f'{self.folder} has no events.jsonl: it is written by run(..., record=["events"])'
            )
        frame = self.lines("events")
        counts = frame["count"].fillna(1) if "count" in frame.columns else 1
        frame = frame.assign(count=counts).astype({"kind": "category", "count": "int64"})
        return frame[["time_s", "peer", "kind", "count", "labels", "content"]]


def load_run(folder: str | os.PathLike[str]) -> Run:
    """Opens the results of `dmsim run`.

    Raises
    ------
    FolderError: there is no such folder, or it holds no run.
    SchemaMismatch: it was written in another version of the format.
    """
    return Run(folder)
