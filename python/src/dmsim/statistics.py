"""Intervals of means and of paired differences, as docs/statistics.md has them and `summary.csv` gives them.

They are here so that a difference to any variant can be taken, and not only that to the baseline of the study.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student


@dataclass(frozen=True)
class Estimate:
    """A mean of independent measurements.

    Attributes
    ----------
    value: the mean, in the unit of the measurements; NaN without any.
    half_width: half of its interval by Student's t, in the same unit; NaN with fewer than two.
    count: how many measurements there were.
    """

    value: float
    half_width: float
    count: int


def mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The mean of independent measurements with its interval. What is not a finite number was not measured."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return Estimate(known[0] if known else math.nan, math.nan, len(known))
    average, error = _mean_and_error(known)
    return Estimate(average, quantile(confidence, len(known) - 1) * error, len(known))


def p_value(differences: Sequence[float]) -> float:
    """How likely a mean is as far from zero as that of these measurements if it is zero (Student's t, both sides).

    1 where all are zero, 0 where all are alike and not zero, NaN for fewer than two.
    """
    known = [value for value in differences if math.isfinite(value)]
    if len(known) < 2:
        return math.nan
    average, error = _mean_and_error(known)
    if error == 0.0:
        return float(average == 0.0)
    return float(2.0 * student.sf(abs(average) / error, len(known) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """What these become so that the chance to take any nothing for something stays that of one (Holm 1979).

    NaN stays NaN and counts for nothing.
    """
    order = sorted(
        (place for place, value in enumerate(p_values) if math.isfinite(value)), key=p_values.__getitem__
    )
    adjusted = list(p_values)
    least = 0.0
    for rank, place in enumerate(order):
        least = max(least, min((len(order) - rank) * p_values[place], 1.0))
        adjusted[place] = least
    return adjusted


def quantile(confidence: float, freedom: int) -> float:
    """The quantile of Student's t by which an interval of this confidence (0 to 1) exceeds the standard error.

    Raises
    ------
    ValueError: there is no degree of freedom, or the confidence is not between 0 and 1.
    """
    if freedom < 1 or not 0.0 < confidence < 1.0:
        raise ValueError("a quantile needs a degree of freedom and a confidence between 0 and 1")
    return float(student.isf((1.0 - confidence) / 2.0, freedom))


def _mean_and_error(known: list[float]) -> tuple[float, float]:
    """The mean of at least two numbers and its standard error."""
    average = sum(known) / len(known)
    variance = sum((value - average) ** 2 for value in known) / (len(known) - 1)
    return average, math.sqrt(variance / len(known))
