"""Many runs: the folder that `dmsim sweep` and `dmsim study` make."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from . import statistics
from .errors import FolderError, SchemaMismatch
from .tables import TABLES, Kind, read_json, read_table, read_table_polars, units_of

if TYPE_CHECKING:
    import polars as pl

SCHEMA = 1
"""The version of `plan.json` and of the tables that is read here."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


class Sweep:
    """The merged results of a sweep. Tables are read when they are first asked for; docs/studies.md has their columns.

    Conditions, variants and metrics are categories in the order of the plan, so that sorting and grouping keep it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Opens a folder; see `load_sweep`."""
        self.folder: Path = Path(folder).resolve()
        if not self.folder.is_dir():
            raise FolderError(f"there is no folder {self.folder}")
        if (self.folder / "run.json").is_file():
            raise FolderError(f"{self.folder} is a single run: read it with load_run")
        self.plan: dict[str, Any] = read_json(self.folder / "plan.json")
        """`plan.json`: what is compared under what, by which metrics, how often."""
        if (found := self.plan.get("schema")) != SCHEMA:
            raise SchemaMismatch(f"{self.folder} is of schema {found}; this package reads schema {SCHEMA}")

    def __repr__(self) -> str:
        return (
            f"<Sweep {self.name}: {len(self.variants)} variants, {len(self.conditions)} conditions, "
            f"{self.plan['cells']} cells, {self.folder}>"
        )

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self.plan["name"])

    @property
    def conditions(self) -> list[str]:
        """Names of the conditions, in the order of the study."""
        return [str(condition["name"]) for condition in self.plan["conditions"]]

    @property
    def variants(self) -> list[str]:
        """Names of the variants, in the order of the study."""
        return [str(variant["name"]) for variant in self.plan["variants"]]

    @property
    def baseline(self) -> str:
        """The variant to which the study compares the others."""
        return str(self.plan["baseline"])

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that are compared, in the order of the study."""
        return [str(metric["metric"]) for metric in self.plan["metrics"]]

    @property
    def units(self) -> dict[str, str]:
        """The unit of each metric."""
        return {str(metric["metric"]): str(metric["unit"]) for metric in self.plan["metrics"]}

    @property
    def better(self) -> dict[str, str]:
        """Of each metric which values are better: `higher` or `lower`."""
        return {str(metric["metric"]): str(metric["better"]) for metric in self.plan["metrics"]}

    @property
    def parameters(self) -> list[str]:
        """Paths of the scenario that the study's grid varies; each is a column of `cells`."""
        sets = [*self.plan["conditions"], *self.plan["variants"]]
        return list(dict.fromkeys(str(path) for one in sets for path in one["parameters"]))

    def _values_of(self, parameter: str) -> list[str]:
        """The values that a path is given, in the order of the study."""
        sets = [*self.plan["conditions"], *self.plan["variants"]]
        return list(
            dict.fromkeys(str(one["parameters"][parameter]) for one in sets if parameter in one["parameters"])
        )

    def _kinds(self, table: str) -> dict[str, Kind]:
        kinds = dict(TABLES[table])
        if table == "cells":
            for parameter in self.parameters:
                are_numbers = all(_NUMBER.fullmatch(value) for value in self._values_of(parameter))
                kinds[parameter] = "number" if are_numbers else "category"
            kinds |= dict.fromkeys(self.metrics, "number")
        return kinds

    def _table(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            raise FolderError(
                f"{self.folder} has no {path.name}: `dmsim sweep merge` writes it when all cells are run"
            )
        frame = read_table(path, self._kinds(name))
        orders = {"condition": self.conditions, "variant": self.variants, "metric": self.metrics}
        if name == "cells":
            orders |= {parameter: self._values_of(parameter) for parameter in self.parameters}
        for column, order in orders.items():
            if column in frame.columns and frame[column].dtype == "category":
                unknown = sorted(set(frame[column].cat.categories) - set(order))
                if unknown:
                    raise FolderError(f"{path} has a {column} that is not in plan.json: {', '.join(unknown)}")
                frame[column] = frame[column].cat.set_categories(order)
        frame.attrs["units"] = units_of(list(frame.columns)) | self.units
        return frame

    @cached_property
    def cells(self) -> pd.DataFrame:
        """A row a run, in the order of the plan.

        `index`, `id`, `condition`, `variant`, `replication`, `seed` (uint64), a column for each of `parameters`
        (float64 where all of its values are numbers, else a category of texts as they stand in the study),
        `digest` (missing where the run failed), and one for each of `metrics` (NaN: nothing was measured, or the run
        failed). `attrs["units"]` has the units of the metrics.

        Raises
        ------
        FolderError: the sweep is not merged yet.
        """
        return self._table("cells")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a condition, variant and metric: means, intervals, differences to the baseline (docs/studies.md).

        Numbers are in the unit of the column `unit`. `p_value` is corrected for all differences by the same metric.

        Raises
        ------
        FolderError: the sweep is not merged yet.
        """
        return self._table("summary")

    @cached_property
    def failures(self) -> pd.DataFrame:
        """A row a cell that failed: which, `kind`, `error`, and in `replay` the command that shows it again.

        Raises
        ------
        FolderError: the sweep is not merged yet.
        """
        return self._table("failures")

    def to_polars(self, name: str) -> pl.DataFrame:
        """`cells`, `summary` or `failures` as a frame of polars, which has no place for units: `units` has them.

        Raises
        ------
        FolderError: there is no such table.
        ImportError: polars is not installed (`pip install 'dmsim[polars]'`).
        """
        if name not in ("cells", "summary", "failures"):
            raise FolderError(f"sweeps have no table {name!r}")
        return read_table_polars(self.folder / f"{name}.csv", self._kinds(name))

    def _check(self, metric: str, variant: str | None) -> None:
        if metric not in self.metrics:
            raise KeyError(f"the study does not compare by {metric!r}, but by: {', '.join(self.metrics)}")
        if variant is not None and variant not in self.variants:
            raise KeyError(f"the study has no variant {variant!r}, but: {', '.join(self.variants)}")

    def intervals(self, metric: str) -> pd.DataFrame:
        """The rows of `summary` of one metric.

        Raises
        ------
        KeyError: the study does not compare by it.
        """
        self._check(metric, None)
        rows = self.summary[self.summary["metric"] == metric].drop(columns=["metric", "unit"])
        rows.attrs["units"] = {"value": self.units[metric]}
        return rows.reset_index(drop=True)

    def paired(self, metric: str, baseline: str | None = None) -> pd.DataFrame:
        """What each run differs by from that of the baseline with the same seed, under the same condition.

        Columns: `condition`, `variant` (all but the baseline), `replication`, `difference` (in the metric's unit; NaN
        where either was not measured). Only replications that both have are there.

        Raises
        ------
        KeyError: there is no such metric or variant.
        """
        chosen = baseline if baseline is not None else self.baseline
        self._check(metric, chosen)
        values = self.cells[["condition", "variant", "replication", metric]]
        is_base = values["variant"] == chosen
        base = values[is_base].drop(columns="variant").rename(columns={metric: "base"})
        pairs = values[~is_base].merge(
            base, on=["condition", "replication"], how="inner", validate="many_to_one"
        )
        pairs["difference"] = pairs[metric] - pairs["base"]
        frame = pairs[["condition", "variant", "replication", "difference"]].sort_values(
            ["condition", "variant", "replication"], ignore_index=True
        )
        frame.attrs["units"] = {"difference": self.units[metric]}
        frame.attrs["baseline"] = chosen
        return frame

    def difference(self, metric: str, baseline: str | None = None) -> pd.DataFrame:
        """Mean differences to a variant, taken replication by replication (common random numbers).

        Parameters
        ----------
        baseline: to which variant, by default that of the study; then the numbers are those of `summary`.

        A row a condition and variant: `pairs` (how many), `difference`, `difference_half_width` (of the 95 % interval
        by Student's t, both in the metric's unit), `p_value` (corrected by Holm for all rows), `certain` (it is below
        5 %), `is_better` (missing where not certain).

        Raises
        ------
        KeyError: there is no such metric or variant.
        """
        paired = self.paired(metric, baseline)
        rows = []
        for (condition, variant), group in paired.groupby(["condition", "variant"], observed=True, sort=True):
            differences = group["difference"].tolist()
            estimate = statistics.mean(differences)
            p_value = statistics.p_value(differences)
            rows.append((condition, variant, estimate.count, estimate.value, estimate.half_width, p_value))
        columns = ["condition", "variant", "pairs", "difference", "difference_half_width", "p_value"]
        frame = pd.DataFrame(rows, columns=columns)
        for column, order in (("condition", self.conditions), ("variant", self.variants)):
            frame[column] = pd.Categorical(frame[column], categories=order)
        frame["p_value"] = pd.Series(statistics.holm(frame["p_value"].tolist()), dtype="float64")
        frame["certain"] = frame["p_value"] < 0.05
        is_higher = frame["difference"] > 0
        better = is_higher if self.better[metric] == "higher" else ~is_higher
        frame["is_better"] = better.astype("boolean").mask(~frame["certain"])
        unit = self.units[metric]
        frame.attrs["units"] = {"difference": unit, "difference_half_width": unit}
        frame.attrs["baseline"] = paired.attrs["baseline"]
        return frame


def load_sweep(folder: str | os.PathLike[str]) -> Sweep:
    """Opens the results of `dmsim sweep merge` or `dmsim study`.

    Raises
    ------
    FolderError: there is no such folder, or it holds no sweep.
    SchemaMismatch: it was written in another version of the format.
    """
    return Sweep(folder)
