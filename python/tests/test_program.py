import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dmsim
from dmsim.program import override

from .conftest import SCENARIOS


def test_the_argument_goes_before_the_variable_and_the_variable_before_the_path(monkeypatch, tmp_path):
    program = dmsim.find_binary()
    for name in ("argument", "variable", "path"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dmsim").symlink_to(program)
        # Links lead to the same program, so copies of a small one tell them apart.
        (tmp_path / name / "dmsim").unlink()
        (tmp_path / name / "dmsim").write_text("#!/bin/sh\n")
        (tmp_path / name / "dmsim").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("DMSIM_BINARY", raising=False)
    assert dmsim.find_binary() == tmp_path / "path" / "dmsim"
    monkeypatch.setenv("DMSIM_BINARY", str(tmp_path / "variable" / "dmsim"))
    assert dmsim.find_binary() == tmp_path / "variable" / "dmsim"
    assert dmsim.find_binary(tmp_path / "argument" / "dmsim") == tmp_path / "argument" / "dmsim"


def test_a_missing_program_is_told_with_how_to_build_it(monkeypatch, tmp_path):
    with pytest.raises(dmsim.BinaryNotFound, match=r"nowhere, which is no program.*cargo build --release"):
        dmsim.find_binary(tmp_path / "nowhere")
    monkeypatch.setenv("DMSIM_BINARY", str(tmp_path))
    with pytest.raises(dmsim.BinaryNotFound, match="DMSIM_BINARY names"):
        dmsim.run(SCENARIOS / "calm.yaml")


def test_without_any_program_the_error_says_where_it_was_looked_for(tmp_path):
    # The package alone, outside of the repository, with an empty path.
    package = Path(dmsim.__file__).parent
    (tmp_path / "dmsim").symlink_to(package)
    script = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import dmsim; dmsim.find_binary()"
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    for file in package.glob("*.py"):
        (copied / "dmsim").mkdir(exist_ok=True)
        (copied / "dmsim" / file.name).write_bytes(file.read_bytes())
    script = script.replace(str(tmp_path), str(copied))
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DMSIM_BINARY", "PYTHONPATH")
    }
    environment["PATH"] = str(copied)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copied,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "BinaryNotFound: the program dmsim was not found" in done.stderr


def test_something_else_than_the_program_is_noticed(tmp_path):
    with pytest.raises(dmsim.ProgramError, match="did not write what dmsim writes"):
        dmsim.run(SCENARIOS / "calm.yaml", out=tmp_path / "run", binary="/bin/true")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1%", "1%"),
        ("{preset: home}", "{preset: home}"),
        (3, "3"),
        (0.25, "0.25"),
        (True, "true"),
        (None, "null"),
        (np.int64(7), "7"),
        (np.float64(0.5), "0.5"),
        ([1, "a"], '[1, "a"]'),
        ({"constant": "20ms"}, '{"constant": "20ms"}'),
        ({"city": "Tuyên Quang"}, '{"city": "Tuyên Quang"}'),
    ],
)
def test_values_of_python_are_written_as_json(value, text):
    assert override("a.b", value) == f"a.b={text}"


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], object(), {1, 2}])
def test_what_no_scenario_can_hold_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        override("a", value)


def test_overrides_reach_the_scenario(tmp_path):
    run = dmsim.run(
        SCENARIOS / "calm.yaml",
        seed=2**64 - 1,
        set={
            "duration": "10m",
            "peers[0].providers.count": np.int64(12),
            "network": {"latency": {"constant": "20ms"}, "loss": 0.02},
            "expect": ["allocations.lost == 0"],
        },
        out=tmp_path / "run",
        metrics_only=True,
    )
    assert run.folder == (tmp_path / "run").resolve()
    assert (run.seed, run.duration_s) == (2**64 - 1, 600.0)
    assert run.metric("peers.total") == 13
    assert run.expectations["expression"].tolist() == ["allocations.lost == 0"]
    assert not (run.folder / "deployments.csv").exists()


def test_a_failed_expectation_is_no_error(tmp_path):
    run = dmsim.run(
        SCENARIOS / "calm.yaml",
        set={"expect": ["allocations.lost == 5"]},
        out=tmp_path / "run",
        metrics_only=True,
    )
    assert not run.passed
    assert run.expectations.to_dict("records") == [
        {"expression": "allocations.lost == 5", "value": 0.0, "passed": False}
    ]


def test_wrong_input_carries_the_message_of_the_program(tmp_path):
    with pytest.raises(dmsim.BadInput, match="there is no such file") as found:
        dmsim.run(tmp_path / "nosuch.yaml")
    assert found.value.exit_code == 2
    with pytest.raises(dmsim.BadInput, match="did you mean `loss`"):
        dmsim.run(SCENARIOS / "calm.yaml", set={"network.los": "1%"})
    with pytest.raises(dmsim.ProgramError):
        dmsim.run(SCENARIOS / "calm.yaml", record=["nothing"])


def test_a_run_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        dmsim.run(SCENARIOS / "quickstart.yaml", out=tmp_path / "run", timeout_s=0.05)
    assert not (tmp_path / "run").exists()


def test_the_same_inputs_give_the_same_digest(calm, tmp_path):
    again = dmsim.run(SCENARIOS / "calm.yaml", out=tmp_path / "again", metrics_only=True)
    assert again.digest == calm.digest
    other = dmsim.run(SCENARIOS / "calm.yaml", seed=99, out=tmp_path / "other", metrics_only=True)
    assert other.digest != calm.digest


def test_a_study_is_planned_run_and_merged_in_one(study_file, merged, tmp_path):
    sweep = dmsim.study(study_file, tmp_path / "study")
    for name in ("cells.csv", "summary.csv"):
        assert (sweep.folder / name).read_bytes() == (merged.folder / name).read_bytes()


def test_shards_add_up(planned, merged):
    receipts = [dmsim.run_sweep(planned, shard=(shard, 3), jobs=1) for shard in (2, 0, 1)]
    assert sum(receipt["made"] for receipt in receipts) == merged.plan["cells"]
    assert dmsim.run_sweep(planned)["known"] == merged.plan["cells"]
    sweep = dmsim.merge_sweep(planned)
    assert (sweep.folder / "cells.csv").read_bytes() == (merged.folder / "cells.csv").read_bytes()


def test_parts_of_two_folders_are_merged(planned, study_file, merged, tmp_path):
    other = dmsim.plan_sweep(study_file, tmp_path / "other")
    dmsim.run_sweep(planned, shard=(0, 2))
    dmsim.run_sweep(other, shard=(1, 2))
    sweep = dmsim.merge_sweep(planned, also=[other])
    assert (sweep.folder / "summary.csv").read_bytes() == (merged.folder / "summary.csv").read_bytes()


def test_wrong_steps_of_a_sweep_are_told(planned, study_file, tmp_path):
    with pytest.raises(dmsim.BadInput, match="not finished"):
        dmsim.merge_sweep(planned)
    with pytest.raises(dmsim.BadInput):
        dmsim.run_sweep(tmp_path / "nowhere")
    with pytest.raises(dmsim.BadInput):
        dmsim.run_sweep(planned, shard=(3, 3))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("not yours")
    with pytest.raises(dmsim.BadInput):
        dmsim.plan_sweep(study_file, tmp_path / "full")


def test_more_replications_keep_what_is_there(planned, study_file):
    dmsim.run_sweep(planned)
    dmsim.plan_sweep(study_file, planned, replications=5)
    receipt = dmsim.run_sweep(planned)
    assert (receipt["cells"], receipt["known"]) == (26, 22)


@pytest.mark.parametrize("kind", ["setup", "violation", "crash"])
def test_a_cell_that_failed_is_counted_and_told(planned, kind):
    dmsim.run_sweep(planned)
    cell = json.loads((planned / "cells.jsonl").read_text().splitlines()[5])
    path = planned / "cells" / cell["id"][:2] / f"{cell['id']}.json"
    failed = {"kind": kind, "error": "a reason"}
    path.write_text(json.dumps({"schema": 1, "id": cell["id"], "seed": cell["seed"], "failed": failed}))
    assert dmsim.run_sweep(planned)["failed"] == 1
    sweep = dmsim.merge_sweep(planned)
    assert sweep.failures[["index", "kind", "error"]].to_dict("records") == [{"index": 5, **failed}]
    row = sweep.cells.iloc[5]
    assert row["id"] == cell["id"] and row[["digest", *sweep.metrics]].isna().all()
    assert dmsim.run_sweep(planned, retry_failed=True)["failed"] == 0
    assert dmsim.merge_sweep(planned).failures.empty
