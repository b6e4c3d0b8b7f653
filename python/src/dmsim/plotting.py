"""Plots of runs and sweeps, with units, in colours that people with any colour vision tell apart.

Every function draws into axes that it is given or makes, and returns them; whatever else is wanted is matplotlib's.
`pip install 'dmsim[plot]'` installs that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from .runs import Run
from .sweeps import Sweep

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
"""The palette of Okabe and Ito (2008) without its yellow, which is hard to see on white, and a brown."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
"""Shapes go with the colours, so that a plot can be read without any."""

_MUTED = "#8a8a8a"

STYLE: Any = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 96,
    "savefig.dpi": 96,
    "font.size": 10,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b6b6b",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
"""How plots look. The functions here use it for the axes that they make; `use_style` sets it for all others."""


def use_style() -> None:
    """Makes all plots of this process look like those of this module."""
    plt.rcParams.update(STYLE)


@contextmanager
def _axes(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """The axes to draw into: those that were given, or new ones of this size in inches."""
    if ax is not None:
        yield ax
        return
    with mpl.rc_context(STYLE):
        _, made = plt.subplots(figsize=(width, height))
        yield made


def label_axis(ax: Axes, which: str, quantity: str, unit: str | None) -> None:
    """Labels an axis with a quantity and its unit, and writes its ticks accordingly.

    Parameters
    ----------
    which: `x` or `y`.
    quantity: what it shows.
    unit: as in `metrics.csv`: fractions become percents, bytes get prefixes, others stand as they are.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    text = quantity
    if unit == "fraction":
        axis.set_major_formatter(PercentFormatter(1.0))
    elif unit == "B":
        axis.set_major_formatter(EngFormatter(unit="B"))
    elif unit and unit not in ("ratio", quantity):
        text = f"{quantity.removesuffix(f'_{unit}')} ({unit})"
    axis.set_label_text(text)


def _colour_of(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    return {name: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)}


def _rows(ax: Axes, names: Sequence[str]) -> None:
    """A row for each name, the first on top, with a line between them."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    for line in range(1, len(names)):
        ax.axhline(line - 0.5, color="#f0f0f0", linewidth=0.8, zorder=0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, min_n_ticks=3))


def _offsets(count: int) -> list[float]:
    """Where the marks of a row stand, around its middle."""
    return [(place - (count - 1) / 2) * min(0.22, 0.7 / count) for place in range(count)]


def _direction(ax: Axes, better: str) -> None:
    """Says which way is better."""
    arrow = "better →" if better == "higher" else "← better"
    ax.text(
        1.0 if better == "higher" else 0.0,
        1.01,
        arrow,
        transform=ax.transAxes,
        ha="right" if better == "higher" else "left",
        va="bottom",
        color=_MUTED,
        fontsize="small",
    )


def _legend(ax: Axes, names: Sequence[str]) -> None:
    if len(names) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def plot_intervals(sweep: Sweep, metric: str, *, ax: Axes | None = None) -> Axes:
    """Draws the mean of each variant with its 95 % interval, a colour and shape for each condition.

    Raises
    ------
    KeyError: the study does not compare by the metric.
    """
    rows = sweep.intervals(metric)
    variants, conditions = sweep.variants, sweep.conditions
    looks = _colour_of(conditions)
    with _axes(ax, 7.0, 1.3 + 0.34 * len(variants) * max(1.0, len(conditions) / 2)) as axes:
        for offset, condition in zip(_offsets(len(conditions)), conditions, strict=True):
            own = rows[rows["condition"] == condition]
            colour, marker = looks[condition]
            axes.errorbar(
                own["mean"],
                own["variant"].cat.codes + offset,
                xerr=own["half_width"].fillna(0.0),
                fmt=marker,
                color=colour,
                markersize=5,
                elinewidth=1.6,
                capsize=2.5,
                label=condition,
            )
        _rows(axes, variants)
        label_axis(axes, "x", metric, sweep.units[metric])
        _direction(axes, sweep.better[metric])
        _legend(axes, conditions)
    return axes


def plot_differences(
    sweep: Sweep, metric: str, *, baseline: str | None = None, dots: bool = True, ax: Axes | None = None
) -> Axes:
    """Draws what each variant differs by from a baseline, replication by replication, with its 95 % interval.

    A filled mark is a difference that is certain (corrected for all of the plot by Holm), a hollow one is not.

    Parameters
    ----------
    baseline: by default that of the study.
    dots: whether to draw the replications too.

    Raises
    ------
    KeyError: there is no such metric or variant.
    """
    means, pairs = sweep.difference(metric, baseline), sweep.paired(metric, baseline)
    chosen = means.attrs["baseline"]
    variants = [variant for variant in sweep.variants if variant != chosen]
    conditions = sweep.conditions
    looks = _colour_of(conditions)
    with _axes(ax, 7.0, 1.3 + 0.34 * len(variants) * max(1.0, len(conditions) / 2)) as axes:
        axes.axvline(0.0, color="#404040", linewidth=1.0)
        for offset, condition in zip(_offsets(len(conditions)), conditions, strict=True):
            colour, marker = looks[condition]
            for place, variant in enumerate(variants):
                of_row = (means["condition"] == condition) & (means["variant"] == variant)
                for row in means[of_row].to_dict("records"):
                    half_width = float(row["difference_half_width"])
                    axes.errorbar(
                        row["difference"],
                        place + offset,
                        xerr=0.0 if np.isnan(half_width) else half_width,
                        fmt=marker,
                        color=colour,
                        markerfacecolor=colour if row["certain"] else "white",
                        markersize=5.5,
                        elinewidth=1.6,
                        capsize=2.5,
                        zorder=3,
                    )
                if dots:
                    own = pairs[(pairs["condition"] == condition) & (pairs["variant"] == variant)]
                    axes.plot(
                        own["difference"],
                        np.full(len(own), place + offset),
                        linestyle="none",
                        marker="|",
                        markersize=6,
                        color=colour,
                        alpha=0.35,
                    )
            axes.plot([], [], marker, color=colour, label=condition)
        _rows(axes, variants)
        label_axis(axes, "x", f"{metric}: difference to {chosen}", sweep.units[metric])
        _direction(axes, sweep.better[metric])
        _legend(axes, conditions)
    return axes


def _time_axis(ax: Axes, end_s: float) -> float:
    """Labels the axis of simulated time. Returns by what seconds are to be divided."""
    for unit, seconds in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if end_s >= 3 * seconds:
            ax.set_xlabel(f"simulated time ({unit})")
            ax.set_xlim(0, end_s / seconds)
            return seconds
    ax.set_xlabel("simulated time (s)")
    ax.set_xlim(0, end_s)
    return 1.0


def plot_series(
    run: Run,
    names: str | Sequence[str],
    *,
    events: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws series of a run over simulated time, with lines at moments that explain them.

    Parameters
    ----------
    names: one or more series of the same unit; one with labels gets a line for each of their values.
    events: what happened when, in simulated seconds.

    Raises
    ------
    KeyError: the run has no such series.
    ValueError: the series have different units.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    frames = {name: run.over_time(name) for name in wanted}
    units = {name: frame.attrs["units"][name] for name, frame in frames.items()}
    if len(set(units.values())) > 1:
        raise ValueError(f"series of different units do not go into one plot: {units}")
    with _axes(ax, 7.5, 3.2) as axes:
        scale = _time_axis(axes, run.duration_s)
        styles = ("-", "--", ":", "-.")
        count = 0
        for name, frame in frames.items():
            for column in frame.columns:
                if len(frame.columns) > 1 and not frame[column].any():
                    # A status in which nothing ever was.
                    continue
                label = str(column) if column == name or len(frames) == 1 else f"{name}: {column}"
                axes.step(
                    frame.index / scale,
                    frame[column],
                    where="post",
                    color=COLOURS[count % len(COLOURS)],
                    linestyle=styles[count % len(styles)],
                    label=label,
                )
                count += 1
        for what, moment_s in (events or {}).items():
            axes.axvline(moment_s / scale, color=_MUTED, linestyle=(0, (4, 3)), linewidth=1.0)
            axes.annotate(
                what,
                (moment_s / scale, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize="small",
                color="#505050",
            )
        axes.set_ylim(bottom=0)
        axes.margins(y=0.12)
        label_axis(axes, "y", wanted[0] if len(wanted) == 1 else "", next(iter(units.values())))
        if len(wanted) > 1:
            axes.set_ylabel(next(iter(units.values())))
        if count > 1:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def plot_ecdf(
    frame: pd.DataFrame, column: str, *, by: str | None = None, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draws which part of the rows has at most each value of a column. Rows without a value count as never reached.

    Parameters
    ----------
    by: a column for each value of which there is a line.
    log: whether the axis of values is logarithmic.

    Raises
    ------
    KeyError: there is no such column.
    """
    groups: list[tuple[object, pd.DataFrame]] = [("", frame)]
    if by is not None:
        groups = list(frame.groupby(by, observed=True, sort=True))
    with _axes(ax, 6.0, 3.4) as axes:
        for count, (name, rows) in enumerate(groups):
            values = np.sort(rows[column].dropna().to_numpy(dtype="float64"))
            if values.size == 0:
                continue
            share = np.arange(1, values.size + 1) / len(rows)
            axes.step(
                np.concatenate([values[:1], values]),
                np.concatenate([[0.0], share]),
                where="post",
                color=COLOURS[count % len(COLOURS)],
                label=f"{name!s} ({len(rows)})",
            )
        if log:
            axes.set_xscale("log")
        label_axis(axes, "x", column, frame.attrs.get("units", {}).get(column))
        axes.set_ylim(0, 1.02)
        label_axis(axes, "y", "part of the rows", "fraction")
        if by is not None:
            axes.legend(title=by, loc="lower right")
    return axes


def plot_ranks(sweep: Sweep, *, condition: str | None = None, ax: Axes | None = None) -> Axes:
    """Draws the rank of each variant by each metric: 1 is the best mean. Equal means share the better rank.

    A difference to the baseline that is certain has a `+` (better) or a `-` (worse) beside its rank.

    Parameters
    ----------
    condition: under which, by default the first.

    Raises
    ------
    KeyError: there is no such condition.
    """
    chosen = condition if condition is not None else sweep.conditions[0]
    if chosen not in sweep.conditions:
        raise KeyError(f"the study has no condition {chosen!r}, but: {', '.join(sweep.conditions)}")
    means = sweep.summary[sweep.summary["condition"] == chosen].pivot(
        index="variant", columns="metric", values="mean"
    )
    ranks = pd.DataFrame(
        {
            metric: means[metric].rank(method="min", ascending=sweep.better[metric] == "lower")
            for metric in sweep.metrics
        }
    )
    marks = {}
    for metric in sweep.metrics:
        for row in sweep.difference(metric).to_dict("records"):
            if row["condition"] == chosen and row["certain"]:
                marks[(row["variant"], metric)] = "+" if row["is_better"] else "−"
    variants = sweep.variants
    with _axes(ax, 2.2 + 0.75 * len(sweep.metrics), 1.6 + 0.3 * len(variants)) as axes:
        grid = ranks.reindex(variants).to_numpy(dtype="float64")
        axes.imshow(grid, aspect="auto", cmap="cividis_r", alpha=0.85)
        for y, variant in enumerate(variants):
            for x, metric in enumerate(sweep.metrics):
                rank = float(grid[y, x])
                text = "" if np.isnan(rank) else f"{rank:.0f}{marks.get((variant, metric), '')}"
                # Dark cells need light text.
                dark = rank > 0.55 * np.nanmax(grid)
                axes.text(
                    x, y, text, ha="center", va="center", color="white" if dark else "black", fontsize=9
                )
        axes.set_xticks(
            range(len(sweep.metrics)), sweep.metrics, rotation=35, ha="right", rotation_mode="anchor"
        )
        names = [f"{variant} (baseline)" if variant == sweep.baseline else variant for variant in variants]
        axes.set_yticks(range(len(variants)), names)
        axes.grid(False)
        axes.tick_params(length=0)
        axes.set_title(
            "rank, 1 being the best; + and −: certainly better or worse than the baseline", fontsize=9
        )
    return axes
