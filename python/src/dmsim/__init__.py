"""Runs simulations of DMS networks and reads their results.

Start with `run` (a scenario), `load_run` (a folder of results) or `load_sweep` (many runs of a study). Frames are those
of pandas, with the types that the columns have and their units in `frame.attrs["units"]`; `to_polars` gives those of
polars. `dmsim.plotting` draws them, `dmsim.dask` runs sweeps on a Dask cluster.
"""

from .errors import (
    BadInput,
    BinaryNotFound,
    Conflict,
    DmsimError,
    FolderError,
    Interrupted,
    ProgramError,
    SafetyFinding,
    SchemaMismatch,
    ShardFailed,
)
from .program import call, find_binary, merge_sweep, plan_sweep, run, run_sweep, study
from .runs import Run, load_run
from .sweeps import Sweep, load_sweep
from .tables import expand_labels

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "BinaryNotFound",
    "Conflict",
    "DmsimError",
    "FolderError",
    "Interrupted",
    "ProgramError",
    "Run",
    "SafetyFinding",
    "SchemaMismatch",
    "ShardFailed",
    "Sweep",
    "call",
    "expand_labels",
    "find_binary",
    "load_run",
    "load_sweep",
    "merge_sweep",
    "plan_sweep",
    "run",
    "run_sweep",
    "study",
]
