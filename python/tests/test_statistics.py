import math
import random

import pytest

from dmsim import statistics


@pytest.mark.parametrize(
    ("confidence", "freedom", "expected"),
    [
        (0.95, 1, 12.7062047),
        (0.95, 2, 4.3026527),
        (0.95, 19, 2.0930241),
        (0.99, 4, 4.6040949),
        (0.999, 9, 4.7809126),
    ],
)
def test_quantiles_are_those_of_tables(confidence, freedom, expected):
    assert statistics.quantile(confidence, freedom) == pytest.approx(expected, abs=1e-6)


def test_many_degrees_of_freedom_are_nearly_normal():
    assert statistics.quantile(0.95, 1_000_000) == pytest.approx(1.959966, abs=1e-5)


@pytest.mark.parametrize(("confidence", "freedom"), [(0.95, 0), (0.0, 5), (1.0, 5)])
def test_what_has_no_quantile_is_refused(confidence, freedom):
    with pytest.raises(ValueError, match="degree of freedom"):
        statistics.quantile(confidence, freedom)


def test_a_mean_has_the_interval_of_the_textbook():
    found = statistics.mean([*range(1, 11), math.nan])
    assert (found.value, found.count) == (5.5, 10)
    assert found.half_width == pytest.approx(2.262157 * math.sqrt(55 / 6 / 10), abs=1e-5)
    assert math.isnan(statistics.mean([3.0]).half_width) and statistics.mean([3.0]).value == 3.0
    assert math.isnan(statistics.mean([]).value)


def test_p_values_are_those_of_tables():
    # t = 2.093 at 19 degrees of freedom is the two-sided 5 %.
    values = [n - 9.5 for n in range(20)]
    error = math.sqrt(sum(value**2 for value in values) / 19 / 20)
    assert statistics.p_value([v + 2.093024 * error for v in values]) == pytest.approx(0.05, abs=1e-6)
    assert statistics.p_value([v - 2.860935 * error for v in values]) == pytest.approx(0.01, abs=1e-6)
    assert (statistics.p_value([0.0] * 5), statistics.p_value([2.0] * 5)) == (1.0, 0.0)
    assert math.isnan(statistics.p_value([1.0]))


def test_the_example_of_the_textbook_is_met():
    found = statistics.holm([0.01, 0.04, 0.03, math.nan, 0.005])
    assert found[:3] + found[4:] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert math.isnan(found[3])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_intervals_hold_as_often_as_they_say():
    draws = random.Random(5)
    estimates = [statistics.mean([draws.gauss(1, 2) for _ in range(8)]) for _ in range(2000)]
    held = sum(abs(estimate.value - 1) <= estimate.half_width for estimate in estimates)
    assert 0.935 < held / 2000 < 0.965
