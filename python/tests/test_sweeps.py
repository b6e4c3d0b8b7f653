import numpy as np
import pandas as pd
import pytest

import dmsim

from .conftest import SCENARIOS

METRICS = ["services.availability", "time_to_running.mean", "recovery_time.mean"]


def test_what_is_compared_is_told(merged):
    assert merged.name == "small" and merged.baseline == "uniform"
    assert merged.conditions == ["calm", "lossy"]
    assert merged.variants == ["uniform", "best_fit", "data_aware"]
    assert merged.metrics == METRICS
    assert merged.units == dict(zip(METRICS, ["fraction", "s", "s"], strict=True))
    assert merged.better == dict(zip(METRICS, ["higher", "lower", "lower"], strict=True))
    assert "22 cells" in repr(merged)


def test_cells_have_the_order_and_the_types_of_the_plan(merged):
    cells = merged.cells
    assert cells["index"].tolist() == list(range(22))
    assert cells["condition"].cat.categories.tolist() == merged.conditions
    assert cells["variant"].cat.categories.tolist() == merged.variants
    assert cells["seed"].dtype == np.uint64 and (cells["seed"] > 2**63).any()
    assert cells["id"].str.fullmatch("[0-9a-f]{32}").all()
    assert cells.attrs["units"]["time_to_running.mean"] == "s"
    # Nothing crashes there, so there is nothing to recover from.
    assert cells["recovery_time.mean"].dtype == np.float64 and cells["recovery_time.mean"].isna().any()


def test_replications_share_their_seeds(merged):
    assert merged.cells.groupby("replication")["seed"].nunique().eq(1).all()
    assert merged.cells["seed"].nunique() == 4


def test_the_summary_follows_from_the_cells(merged):
    summary = merged.summary
    assert len(summary) == 2 * 3 * 3
    for row in summary.itertuples():
        own = merged.cells[
            (merged.cells["condition"] == row.condition) & (merged.cells["variant"] == row.variant)
        ]
        values = own[row.metric].dropna()
        assert row.runs == len(values)
        if len(values):
            assert row.mean == pytest.approx(values.mean(), rel=1e-12)
        else:
            assert np.isnan(row.mean)
    assert set(summary["unit"].astype(str)) == {"fraction", "s"}


def test_differences_to_the_baseline_are_those_of_the_program(merged):
    for metric in METRICS:
        ours = merged.difference(metric).set_index(["condition", "variant"])
        theirs = merged.intervals(metric).set_index(["condition", "variant"]).loc[ours.index]
        for column in ("difference", "difference_half_width", "p_value"):
            np.testing.assert_allclose(
                ours[column], theirs[column], rtol=1e-7, atol=1e-12, err_msg=f"{metric} {column}"
            )


def test_differences_have_directions(merged):
    found = merged.difference("time_to_running.mean")
    certain = found[found["certain"]]
    # Policies that compare wait for the end of a round of bids.
    assert len(certain) >= 2 and (certain["difference"] > 0).all() and not certain["is_better"].any()
    assert found.loc[~found["certain"], "is_better"].isna().all()
    assert found.attrs == {
        "units": {"difference": "s", "difference_half_width": "s"},
        "baseline": "uniform",
    }


def test_any_variant_can_be_the_baseline(merged):
    forth = merged.difference("time_to_running.mean", "best_fit").set_index(["condition", "variant"])
    back = merged.difference("time_to_running.mean").set_index(["condition", "variant"])
    for condition in merged.conditions:
        there, here = forth.loc[(condition, "uniform")], back.loc[(condition, "best_fit")]
        assert there["difference"] == pytest.approx(-here["difference"])
        assert there["pairs"] == here["pairs"] == 4
    assert forth.loc[("calm", "data_aware"), "pairs"] == 3


def test_pairs_have_the_same_seed(merged):
    pairs = merged.paired("time_to_running.mean")
    assert len(pairs) == 2 * (4 + 3)
    cells = merged.cells.set_index(["condition", "variant", "replication"])["time_to_running.mean"]
    row = pairs.iloc[-1]
    expected = (
        cells["lossy", "data_aware", row["replication"]] - cells["lossy", "uniform", row["replication"]]
    )
    assert row["difference"] == expected


def test_unknown_names_are_told(merged):
    with pytest.raises(KeyError, match=r"does not compare by 'cost', but by: services.availability"):
        merged.difference("cost")
    with pytest.raises(KeyError, match="no variant 'nosuch', but: uniform"):
        merged.paired("services.availability", "nosuch")
    with pytest.raises(KeyError):
        merged.intervals("cost")


def test_polars_reads_the_same(merged):
    for name in ("cells", "summary", "failures"):
        frame, other = getattr(merged, name), merged.to_polars(name)
        assert other.columns == list(frame.columns)
        for column in frame.columns:
            ours = [None if pd.isna(value) else value for value in frame[column].tolist()]
            assert other[column].to_list() == ours, column
    with pytest.raises(dmsim.FolderError, match="no table 'plan'"):
        merged.to_polars("plan")


def test_what_a_grid_varies_is_a_column(tmp_path):
    study = tmp_path / "grid.yaml"
    study.write_text(
        f"""
version: 1
scenario: {SCENARIOS / "calm.yaml"}
replications: 1
grid:
  peers[0].providers.count: [10, 8]
  network.loss: [5%, 1%]
metrics: [{{lower: messages.sent}}]
""",
        encoding="utf-8",
    )
    sweep = dmsim.study(study, tmp_path / "grid")
    assert sweep.name == "grid"
    assert sweep.parameters == ["peers[0].providers.count", "network.loss"]
    cells = sweep.cells
    assert cells["peers[0].providers.count"].tolist() == [10.0, 10.0, 8.0, 8.0]
    losses = [text.strip('"') for text in cells["network.loss"].cat.categories]
    assert losses == ["5%", "1%"]
    assert sweep.to_polars("cells")["network.loss"].to_list() == cells["network.loss"].tolist()


def test_nothing_failed(merged):
    assert merged.failures.empty
    assert {"index", "kind", "error", "replay"} <= set(merged.failures.columns)


def test_a_sweep_that_is_not_merged_says_so(planned):
    sweep = dmsim.load_sweep(planned)
    for table in ("cells", "summary", "failures"):
        with pytest.raises(dmsim.FolderError, match="`dmsim sweep merge` writes it"):
            getattr(sweep, table)


def test_wrong_folders_are_told_apart(tmp_path, calm, merged, copy_of, rewrite):
    with pytest.raises(dmsim.FolderError, match="there is no folder"):
        dmsim.load_sweep(tmp_path / "nowhere")
    with pytest.raises(dmsim.FolderError, match=r"has no plan.json"):
        dmsim.load_sweep(tmp_path)
    with pytest.raises(dmsim.FolderError, match="read it with load_run"):
        dmsim.load_sweep(calm.folder)
    copy = copy_of(merged.folder)
    rewrite(copy / "cells.csv", ",calm,uniform,", ",calm,unheard,")
    with pytest.raises(dmsim.FolderError, match=r"a variant that is not in plan.json: unheard"):
        _ = dmsim.load_sweep(copy).cells
    rewrite(copy / "plan.json", '"schema": 1', '"schema": 7')
    with pytest.raises(dmsim.SchemaMismatch, match="of schema 7"):
        dmsim.load_sweep(copy)


def test_published_results_need_three_files_alone(merged, tmp_path):
    for name in ("plan.json", "cells.csv", "summary.csv"):
        (tmp_path / name).write_bytes((merged.folder / name).read_bytes())
    sweep = dmsim.load_sweep(tmp_path)
    pd.testing.assert_frame_equal(sweep.cells, merged.cells)
    pd.testing.assert_frame_equal(sweep.summary, merged.summary)
    # Without the file nobody can say that nothing failed.
    with pytest.raises(dmsim.FolderError, match=r"no failures.csv"):
        _ = sweep.failures
