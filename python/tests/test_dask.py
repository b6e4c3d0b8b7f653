import json
import os
import subprocess
import sys
import time
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster

import dmsim
from dmsim import _worker
from dmsim.dask import Outcome, _Engine, _keep, _Plan, main, run_sweep

ROOT = Path(dmsim.__file__).parents[1]


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as started:
        yield started


@pytest.fixture
def client(cluster):
    with Client(cluster) as connected:
        yield connected


def results(folder):
    return sorted(folder.glob("cells/*/*.json"))


def assert_same(folder, merged):
    sweep = dmsim.merge_sweep(folder)
    for name in ("cells.csv", "summary.csv", "failures.csv"):
        assert (sweep.folder / name).read_bytes() == (merged.folder / name).read_bytes()


@pytest.mark.parametrize("send", [False, True])
def test_a_cluster_gives_what_this_machine_gives(client, planned, merged, send):
    lines = []
    outcome = run_sweep(client, planned, of=5, send=send, tell=lines.append)
    assert (outcome.of, outcome.known, outcome.exit_code) == (5, 0, 0)
    assert sorted(receipt.shard for receipt in outcome.receipts) == list(range(5))
    assert sum(receipt.cells for receipt in outcome.receipts) == 22
    assert sum(receipt.made for receipt in outcome.receipts) == 22
    assert lines[0] == "22 cells in 5 shards, of which 0 are finished" and lines[-1].startswith("5/5 shards")
    assert_same(planned, merged)
    assert not list(planned.rglob("*.partial"))


@pytest.mark.parametrize("send", [False, True])
def test_what_is_finished_is_not_run_again(client, planned, merged, send):
    dmsim.run_sweep(planned, shard=(0, 2))
    outcome = run_sweep(client, planned, of=4, send=send)
    assert (outcome.known, len(outcome.receipts)) == (2, 2)
    # A result that was cut off is none.
    results(planned)[3].write_text('{"schema": 1')
    outcome = run_sweep(client, planned, of=4, send=send)
    assert (outcome.known, len(outcome.receipts)) == (3, 1)
    assert run_sweep(client, planned, of=4).receipts == []
    assert_same(planned, merged)


def test_results_that_are_removed_while_the_cluster_remembers_them_are_made_again(client, planned, merged):
    """Another client keeps the tasks of a sweep alive; that their receipts are old must not matter."""
    plan = _Plan(planned)
    engine = _Engine(client, plan, str(dmsim.find_binary()), 2, False, 1, 0, print)
    kept = engine.submit([0, 1], "")
    client.gather(list(kept))
    for path in results(planned):
        path.unlink()
    lines = []
    outcome = run_sweep(client, planned, of=2, tell=lines.append)
    assert [receipt.made for receipt in outcome.receipts] == [11, 11]
    assert len(lines) == 5, "two that were known, and both again"
    assert_same(planned, merged)


def test_two_clients_share_their_tasks(cluster, client, planned, merged):
    with Client(cluster) as second:
        engines = [
            _Engine(one, _Plan(planned), str(dmsim.find_binary()), 4, True, 1, 0, print)
            for one in (client, second)
        ]
        first, other = (engine.submit(range(4), "") for engine in engines)
        assert {future.key for future in first} == {future.key for future in other}
        outcome = Outcome(of=4)
        engines[1].run(range(4), outcome, "")
        assert len(outcome.receipts) == 4
    assert_same(planned, merged)


def test_shards_are_the_program_s(planned):
    plan = _Plan(planned)
    for of in (1, 3, 7, 22):
        assert [cell for shard in range(of) for cell in plan.shard(shard, of)] == plan.ids
    for shard in range(7):
        receipt = dmsim.run_sweep(planned, shard=(shard, 7))
        assert [one["file"] for one in receipt["receipts"]] == [
            _worker.file_of(cell) for cell in plan.shard(shard, 7)
        ]


def test_there_are_never_more_shards_than_cells(client, planned):
    assert run_sweep(client, planned, of=1000).of == 22
    # By default four for each thread.
    assert run_sweep(client, planned).of == 8


def test_another_result_of_the_same_cell_is_a_conflict(client, planned):
    dmsim.run_sweep(planned)
    _, path, *_ = results(planned)
    kept = path.read_text().replace('"digest": "', '"digest": "f')
    path.write_text(kept)
    results(planned)[0].unlink()
    with pytest.raises(dmsim.Conflict, match="came out otherwise than before: compare"):
        run_sweep(client, planned, of=1, send=True)
    assert path.read_text() == kept, "what was there stays"
    assert len(results(planned)) == 23, "the other one lies beside it, and all others are there"
    with pytest.raises(dmsim.BadInput):
        dmsim.merge_sweep(planned)


def test_results_are_put_in_place_once(tmp_path):
    cell = "ab" + 30 * "0"
    first, second = (json.dumps({"id": cell, "n": number}).encode() for number in (1, 2))
    path = tmp_path / _worker.file_of(cell)
    _keep(tmp_path, cell, first)
    _keep(tmp_path, cell, first)
    assert path.read_bytes() == first and path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(dmsim.Conflict):
        _keep(tmp_path, cell, second)
    assert path.read_bytes() == first
    path.write_bytes(b"{")
    _keep(tmp_path, cell, second)
    assert path.read_bytes() == second
    assert {found.name for found in path.parent.iterdir()} == {f"{cell}.json", f"{cell}.conflict.json"}


def test_a_cell_that_failed_fails_no_task(client, planned):
    cell = json.loads((planned / "cells.jsonl").read_text().splitlines()[0])
    path = planned / _worker.file_of(cell["id"])
    path.parent.mkdir(parents=True)
    failed = {"kind": "violation", "error": "a rule, broken"}
    path.write_text(json.dumps({"schema": 1, "id": cell["id"], "seed": cell["seed"], "failed": failed}))
    outcome = run_sweep(client, planned, of=3)
    assert outcome.exit_code == 4
    assert sorted(receipt.failed for receipt in outcome.receipts) == [0, 0, 1]
    assert len(dmsim.load_sweep(planned).plan["variants"]) == 3


def test_a_worker_that_dies_is_done_without(planned, merged, tmp_path):
    # Dask starts a worker again in a place of its own, so this cluster is one for itself.
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as own,
        Client(own) as client,
    ):
        victims = client.run(os.getpid)
        killed = []

        def kill_one(line):
            if line.startswith("2/") and not killed:
                killed.append(victims.popitem()[1])
                os.kill(killed[0], 9)

        outcome = run_sweep(client, planned, of=11, send=True, tell=kill_one)
        assert killed and len(outcome.receipts) == 11
    assert_same(planned, merged)


def test_a_missing_program_fails_after_some_tries(client, planned, tmp_path, monkeypatch):
    program = tmp_path / "dmsim"
    program.write_text("#!/bin/sh\necho 'error: no licence today' >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(
        dmsim.ShardFailed, match=r"3 of 3 shards .* dmsim ended with 3: error: no licence today"
    ):
        run_sweep(client, planned, of=3, binary=program, retries=1)
    program.unlink()
    with pytest.raises(dmsim.BinaryNotFound):
        run_sweep(client, planned, binary=program)


def test_a_folder_without_a_plan_is_told(client, tmp_path, planned):
    with pytest.raises(dmsim.FolderError, match="holds no planned sweep"):
        run_sweep(client, tmp_path)
    (planned / "cells.jsonl").write_text("{}\n")
    with pytest.raises(dmsim.FolderError, match="holds no planned sweep"):
        run_sweep(client, planned)


def test_another_folder_on_a_worker_is_noticed(client, planned):
    with pytest.raises(RuntimeError, match="does not see the sweep"):
        client.submit(_worker.shared_shard, "dmsim", str(planned / "nowhere"), "0" * 64, 0, 1, 1).result()
    with pytest.raises(RuntimeError, match="another sweep"):
        client.submit(_worker.shared_shard, "dmsim", str(planned), "0" * 64, 0, 1, 1).result()


def test_the_command_line_runs_a_sweep_on_workers_of_its_own(planned, merged, capsys):
    assert main([str(planned), "--local", "2", "--of", "4"]) == 0
    assert "4/4 shards" in capsys.readouterr().err
    assert_same(planned, merged)


def test_the_command_line_tells_what_is_wrong(planned, tmp_path, capsys):
    assert main([str(tmp_path), "--local", "1"]) == 2
    assert "holds no planned sweep" in capsys.readouterr().err
    assert main([str(planned), "--local", "1", "--dmsim", str(tmp_path / "nowhere")]) == 2
    assert "which is no program" in capsys.readouterr().err
    for wrong in (
        ["--local", "0"],
        ["--local", "1", "--of", "0"],
        [],
        ["--local", "1", "--scheduler", "tcp://x:1"],
    ):
        with pytest.raises(SystemExit) as stopped:
            main([str(planned), *wrong])
        assert stopped.value.code == 2


def test_a_scheduler_that_does_not_answer_is_told(planned, capsys):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        # Nothing listens on the first port.
        assert main([str(planned), "--scheduler", "tcp://127.0.0.1:1"]) == 3
    assert "error: Timed out trying to connect" in capsys.readouterr().err


def test_workers_need_dask_alone(planned, merged, tmp_path):
    """Scheduler and worker as programs of their own, which do not find this package."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "PYTHONNOUSERSITE": "1"
    }
    found = subprocess.run(
        [sys.executable, "-c", "import dmsim"], env=bare, cwd=tmp_path, capture_output=True, check=False
    )
    if found.returncode == 0:
        pytest.skip("this package is installed for all programs of this environment")
    address = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"env": bare, "cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [
        *dask,
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--dashboard-address",
    ]
    scheduler += ["127.0.0.1:0", "--scheduler-file", str(address)]
    worker = [
        *dask,
        "worker",
        "--scheduler-file",
        str(address),
        "--host",
        "127.0.0.1",
        "--nthreads",
        "1",
        "--no-nanny",
    ]
    worker += [
        "--dashboard-address",
        "127.0.0.1:0",
        "--death-timeout",
        "30",
        "--local-directory",
        str(tmp_path / "scratch"),
    ]
    started = [subprocess.Popen(scheduler, **quiet)]
    try:
        end = time.monotonic() + 30
        while not address.exists() and time.monotonic() < end:
            time.sleep(0.1)
        started.append(subprocess.Popen(worker, **quiet))
        environment = bare | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "dmsim.dask", str(planned), "--send", "--of", "3"]
        command += ["--scheduler", json.loads(address.read_text())["address"]]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=20)
    assert_same(planned, merged)
