import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

import dmsim
from dmsim.tables import TABLES, read_table

OF_RUNS = sorted(set(TABLES) - {"cells", "summary", "failures", "peer-metrics"})


def test_what_was_run_is_told(calm):
    assert (calm.name, calm.seed, calm.duration_s, calm.passed) == ("calm", 1, 3600.0, True)
    assert len(calm.digest) == 32
    assert calm.manifest["counts"]["peers"] == len(calm.peers)
    assert calm.provenance["version"] == "0.1.0"
    assert "calm (seed 1)" in repr(calm)


@pytest.mark.parametrize("name", OF_RUNS)
def test_every_table_has_its_columns_and_types(outage, contracts, name):
    for run in (outage, contracts):
        frame = run.table(name)
        header = (run.folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert list(frame.columns) == header
        # A column that nobody has described would be guessed.
        assert set(header) == set(TABLES[name])
        for column, kind in TABLES[name].items():
            expected = {
                "text": "str",
                "labels": "str",
                "count": "int64",
                "maybe_count": "Int64",
                "amount": "object",
                "flag": "bool",
            }
            expected |= {"category": "category", "number": "float64", "seed": "uint64"}
            assert frame[column].dtype == expected[kind], column


@pytest.mark.parametrize("name", OF_RUNS)
def test_polars_reads_the_same(outage, contracts, name):
    for run in (outage, contracts):
        frame, other = run.table(name), run.to_polars(name)
        assert other.columns == list(frame.columns) and other.height == len(frame)
        for column in frame.columns:
            ours = [None if pd.isna(value) else value for value in frame[column].tolist()]
            assert other[column].to_list() == ours, column


def test_units_stand_beside_the_columns(outage):
    assert outage.deployments.attrs["units"]["submitted_s"] == "s"
    units = outage.allocations.attrs["units"]
    assert (units["ram_bytes"], units["cpu_cores"], units.get("peer")) == ("B", "cores", None)
    assert outage.peers.attrs["units"] == {"lat": "degrees", "lon": "degrees", "up_fraction": "fraction"}
    assert outage.metrics.attrs["units"]["messages.bytes"] == "B"
    assert outage.series.attrs["units"]["peers.up"] == "peers"
    assert outage.unit("services.availability") == "fraction"
    assert outage.unit("services.running") == "allocations"


def test_every_series_has_a_unit(outage):
    assert set(outage.series["metric"].unique()) <= set(outage.series.attrs["units"])


def test_north_america_is_no_missing_value(outage):
    assert (outage.peers["continent"] == "NA").any()
    assert outage.peers["continent"].isna().sum() == 0


def test_empty_cells_are_missing_and_whole_numbers_stay_so(outage):
    codes = outage.allocations["exit_code"]
    assert codes.isna().any() and codes.dropna().eq(0).all()
    assert outage.deployments["ended_s"].isna().any()
    assert outage.deployments["reason"].isna().any()
    assert not outage.metrics["labels"].isna().any()


def test_numbers_are_read_to_the_last_bit(outage):
    text = (outage.folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    row = next(line.split(",") for line in text if line.startswith("resources.utilisation_cpu"))
    assert outage.metric("resources.utilisation_cpu") == float(row[2])


def test_single_numbers(outage):
    assert outage.metric("deployments.asked") == len(outage.deployments)
    assert np.isnan(outage.metric("energy"))
    reason = "unknown behaviour"
    assert outage.metric("messages.rejected", f"reason={reason}") <= outage.metric("messages.rejected")
    with pytest.raises(KeyError, match="no metric 'nosuch'"):
        outage.metric("nosuch")
    assert outage.scalars["deployments.asked"] == len(outage.deployments)
    assert outage.scalars.attrs["units"]["time_to_running.p50"] == "s"
    assert outage.scalars.index.is_unique


def test_labels_become_columns(outage):
    wide = dmsim.expand_labels(outage.series[outage.series["metric"] == "deployments"])
    assert "labels" not in wide and "running" in set(wide["status"])
    with pytest.raises(ValueError, match="of the name of a label already: status"):
        dmsim.expand_labels(outage.series[outage.series["metric"] == "deployments"].assign(status=1))
    frame = pd.DataFrame({"labels": ["", "a=1;b=x=y"]})
    assert dmsim.expand_labels(frame).fillna("-").to_numpy().tolist() == [["-", "-"], ["1", "x=y"]]


def test_series_over_time(outage):
    up = outage.over_time("peers.up")
    assert up.index[0] == 0 and up["peers.up"].iloc[0] == outage.metric("peers.total")
    by_status = outage.over_time("deployments")
    assert by_status.columns.name == "status" and by_status["running"].max() > 0
    with pytest.raises(KeyError, match="no series 'nosuch'"):
        outage.over_time("nosuch")


def test_amounts_are_exact(contracts):
    invoices = contracts.invoices
    assert all(isinstance(amount, Decimal) for amount in invoices["amount"])
    # The sum is told in metrics.csv, exact to eight decimals.
    assert sum(invoices["amount"]) == Decimal(str(contracts.metric("contracts.invoiced")))
    assert contracts.to_polars("invoices").schema["amount"] == pl.Decimal(38, 8)


def test_events_are_read_when_they_were_recorded(calm, outage):
    events = calm.events
    assert events["kind"].iloc[0] == "run_begins" and events["count"].dtype == "int64"
    of_peers = {"run_begins", "run_ends", "peer_up", "peer_down"}
    passages = {f"message_{what}" for what in ("sent", "arrived", "dropped", "handled", "lost")}
    facts = events[~events["kind"].isin(of_peers | passages)]
    assert facts["count"].sum() == calm.manifest["counts"]["facts"]
    with pytest.raises(dmsim.FolderError, match=r'record=\["events"\]'):
        _ = outage.events


def test_a_run_of_metrics_only_says_what_it_lacks(tmp_path):
    from .conftest import SCENARIOS

    run = dmsim.run(SCENARIOS / "calm.yaml", out=tmp_path / "run", metrics_only=True)
    assert run.metric("allocations.lost") == 0
    with pytest.raises(dmsim.FolderError, match=r"no deployments.csv: a run with metrics_only"):
        _ = run.deployments
    with pytest.raises(dmsim.FolderError, match=r"no deployments.csv"):
        run.to_polars("deployments")
    with pytest.raises(dmsim.FolderError, match="no table 'nosuch'"):
        run.table("nosuch")


def test_wrong_folders_are_told_apart(tmp_path, planned, calm, copy_of, rewrite):
    with pytest.raises(dmsim.FolderError, match="there is no folder"):
        dmsim.load_run(tmp_path / "nowhere")
    with pytest.raises(dmsim.FolderError, match=r"has no run.json"):
        dmsim.load_run(tmp_path)
    with pytest.raises(dmsim.FolderError, match="read it with load_sweep"):
        dmsim.load_run(planned)
    copy = copy_of(calm.folder)
    rewrite(copy / "run.json", '"schema": 1', '"schema": 2')
    with pytest.raises(dmsim.SchemaMismatch, match="of schema 2; this package reads schema 1"):
        dmsim.load_run(copy)
    (copy / "run.json").write_text("{")
    with pytest.raises(dmsim.FolderError, match="is broken"):
        dmsim.load_run(copy)
    (copy / "run.json").write_text("[]")
    with pytest.raises(dmsim.FolderError, match="holds no JSON object"):
        dmsim.load_run(copy)


def test_broken_tables_are_told(calm, copy_of, rewrite):
    copy = copy_of(calm.folder)
    rewrite(copy / "deployments.csv", "\n0,hello-0", "\nzero,hello-0")
    (copy / "peers.csv").unlink()
    (copy / "series.csv").unlink()
    (copy / "series.csv").write_text("")
    run = dmsim.load_run(copy)
    for read in (lambda: run.deployments, lambda: run.to_polars("deployments")):
        with pytest.raises(dmsim.FolderError, match="not the table that it is taken for"):
            read()
    with pytest.raises(dmsim.FolderError, match=r"no peers.csv"):
        _ = run.peers
    with pytest.raises(dmsim.FolderError, match="is empty"):
        _ = run.series
    rewrite(copy / "events.jsonl", '{"time_s"', '{"time_s')
    with pytest.raises(dmsim.FolderError, match="is broken"):
        _ = run.events


def test_columns_of_newer_and_older_programs(tmp_path):
    path = tmp_path / "peers.csv"
    path.write_text("peer,role,crashes,load_bytes,colour\na,provider,1,5,\nb,provider,0,,red\n")
    frame = read_table(path, TABLES["peers"])
    assert frame["load_bytes"].tolist()[0] == 5 and pd.isna(frame["load_bytes"][1])
    assert frame["colour"].tolist()[1] == "red" and "lat" not in frame
    assert frame.attrs["units"] == {"load_bytes": "B"}


def test_a_manifest_is_what_the_program_wrote(calm):
    assert calm.manifest == json.loads((calm.folder / "run.json").read_text(encoding="utf-8"))
