import matplotlib.pyplot as plt
import pytest

import dmsim
from dmsim import plotting


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def drawn(ax):
    """Draws the figure, which is when most that is wrong with it shows."""
    ax.figure.canvas.draw()
    return ax


def test_intervals_show_every_variant_and_condition(merged):
    ax = drawn(plotting.plot_intervals(merged, "time_to_running.mean"))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == merged.variants
    assert ax.get_xlabel() == "time_to_running.mean (s)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == merged.conditions
    assert "← better" in [text.get_text() for text in ax.texts]
    with pytest.raises(KeyError):
        plotting.plot_intervals(merged, "cost")


def test_fractions_are_percents(merged):
    ax = drawn(plotting.plot_intervals(merged, "services.availability"))
    assert all(tick.get_text().endswith("%") for tick in ax.get_xticklabels())


def test_what_was_never_measured_can_be_drawn(merged):
    drawn(plotting.plot_intervals(merged, "recovery_time.mean"))
    drawn(plotting.plot_differences(merged, "recovery_time.mean"))


def test_differences_leave_out_the_baseline(merged):
    ax = drawn(plotting.plot_differences(merged, "time_to_running.mean"))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["best_fit", "data_aware"]
    assert ax.get_xlabel() == "time_to_running.mean: difference to uniform (s)"
    ax = drawn(plotting.plot_differences(merged, "time_to_running.mean", baseline="best_fit", dots=False))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["uniform", "data_aware"]


def test_series_have_a_time_axis_and_their_unit(outage):
    events = {"Europe crashes": 3600.0, "it is back": 7200.0}
    ax = drawn(plotting.plot_series(outage, ["services.wanted", "services.running"], events=events))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("simulated time (h)", "allocations")
    assert [text.get_text() for text in ax.texts] == list(events)
    assert ax.get_xlim() == (0.0, 3.0)
    ax = drawn(plotting.plot_series(outage, "deployments"))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "running" in labels and "failed" not in labels
    with pytest.raises(ValueError, match="different units"):
        plotting.plot_series(outage, ["peers.up", "services.running"])
    with pytest.raises(KeyError):
        plotting.plot_series(outage, "nosuch")


def test_distributions_count_what_was_never_reached(outage):
    frame = outage.deployments
    ax = drawn(plotting.plot_ecdf(frame, "ended_s"))
    assert ax.get_xlabel() == "ended (s)"
    heights = ax.lines[0].get_ydata()
    assert heights[-1] == pytest.approx(frame["ended_s"].notna().mean())
    ax = drawn(plotting.plot_ecdf(frame, "running_s", by="ensemble", log=True))
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"hello (19)", "web (60)"}
    with pytest.raises(KeyError):
        plotting.plot_ecdf(frame, "nosuch")


def test_bytes_have_prefixes(outage):
    ax = drawn(plotting.plot_ecdf(outage.allocations, "ram_bytes"))
    assert ax.get_xticklabels()[-1].get_text().endswith("B")


def test_ranks_begin_at_the_best(merged):
    ax = drawn(plotting.plot_ranks(merged, condition="lossy"))
    texts = [text.get_text() for text in ax.texts]
    # Starting is slower for certain with those that compare; nothing was ever recovered from.
    assert texts[:2] == ["2", "1"] or texts[0] in ("1", "2")
    assert any(text.endswith("−") for text in texts)
    assert ax.get_yticklabels()[0].get_text() == "uniform (baseline)"
    with pytest.raises(KeyError, match="no condition 'nosuch', but: calm, lossy"):
        plotting.plot_ranks(merged, condition="nosuch")


def test_given_axes_are_used(outage, merged):
    fig, (above, below) = plt.subplots(2)
    assert plotting.plot_series(outage, "peers.up", ax=above) is above
    assert plotting.plot_intervals(merged, "time_to_running.mean", ax=below) is below
    fig.canvas.draw()


def test_the_package_does_not_load_what_it_may_do_without():
    import subprocess
    import sys

    script = (
        "import sys; sys.path[:] = sys.argv[1:]; import dmsim; "
        "print([name for name in ('matplotlib', 'polars', 'distributed') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *sys.path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert dmsim.__version__
