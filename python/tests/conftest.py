"""Folders made by really running the program, once for all tests."""

import os
import shutil
from pathlib import Path

import matplotlib
import pytest

import dmsim

matplotlib.use("agg")

REPOSITORY = Path(__file__).resolve().parents[2]
SCENARIOS = REPOSITORY / "scenarios"

STUDY = """
version: 1
name: small
scenario: {scenario}
seed: 3
replications: 4
conditions:
  - {{name: calm, set: []}}
  - {{name: lossy, set: ["network.loss=5%"]}}
baseline: uniform
variants:
  - {{name: uniform, set: ["strategy.placement=uniform"]}}
  - {{name: best_fit, set: ["strategy.placement=best_fit"]}}
  - {{name: data_aware, set: ["strategy.placement=data_aware"], replications: 3}}
metrics:
  - higher: services.availability
  - lower: time_to_running.mean
  - lower: recovery_time.mean
"""


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("dmsim")


@pytest.fixture(scope="session")
def calm(work):
    """A run without faults, with its events."""
    return dmsim.run(SCENARIOS / "calm.yaml", out=work / "calm", report=False, record=["events"])


@pytest.fixture(scope="session")
def outage(work):
    """A run in which machines all over the world crash."""
    return dmsim.run(SCENARIOS / "outage.yaml", out=work / "outage", report=False)


@pytest.fixture(scope="session")
def contracts(work):
    """A run with contracts and invoices."""
    return dmsim.run(SCENARIOS / "contracts.yaml", out=work / "contracts", report=False)


@pytest.fixture(scope="session")
def study_file(work):
    path = work / "study.yaml"
    path.write_text(STUDY.format(scenario=SCENARIOS / "calm.yaml"), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def merged(work, study_file):
    """A sweep of 22 cells, run on this machine alone and merged."""
    folder = dmsim.plan_sweep(study_file, work / "merged")
    dmsim.run_sweep(folder)
    return dmsim.merge_sweep(folder)


@pytest.fixture
def planned(tmp_path, study_file):
    """A sweep of which nothing is run yet."""
    return dmsim.plan_sweep(study_file, tmp_path / "sweep")


@pytest.fixture
def copy_of(tmp_path):
    """Copies a folder, so that a test can break it."""

    def copy(folder):
        target = tmp_path / "copy"
        shutil.copytree(folder, target, copy_function=os.link)
        return target

    return copy


@pytest.fixture
def rewrite():
    """Replaces a text in a file that may be linked to another one."""

    def replace(path, old, new):
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        path.unlink()
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
