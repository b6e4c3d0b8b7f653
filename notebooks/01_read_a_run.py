# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Read a run
# A run is a folder of tables. Here one is made of `scenarios/outage.yaml`, in which all machines of Europe
# crash after an hour and come back an hour later, and looked at from the whole down to single services.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import dmsim
from dmsim import plotting

plotting.use_style()
pd.set_option("display.max_columns", 12, "display.width", 120)
work = tempfile.TemporaryDirectory()
run = dmsim.run("../scenarios/outage.yaml", out=Path(work.name) / "outage", report=False)
print(
    f"{run.name}, seed {run.seed}: {run.duration_s / 3600:.0f} h of {run.manifest['counts']['peers']} peers"
)
print(f"digest {run.digest}: the same scenario and seed give the same one on every machine")

# %% [markdown]
# ## What the scenario expects
# A run whose expectations fail is still a run: `passed` says how it ended.

# %%
print(run.passed)
run.expectations

# %% [markdown]
# ## The final numbers
# `metrics` has them all with their units, `metric` one of them, and `scalars` those of the whole run by name.

# %%
wanted = [
    "deployments.asked",
    "time_to_running.p50",
    "services.availability",
    "recovery_time.p50",
    "peers.lost",
]
run.metrics[run.metrics["metric"].isin(wanted) & (run.metrics["labels"] == "")]

# %% [markdown]
# ## Over time
# The outage can be seen: services stop for as long as it takes to notice that their machines are gone, and to
# find others. When the machines come back nothing moves again.

# %%
outage = {"Europe crashes": 3600, "Europe is back": 7200}
fig, (above, below) = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
plotting.plot_series(run, ["services.wanted", "services.running"], events=outage, ax=above)
plotting.plot_series(run, "peers.up", events={"": 3600, " ": 7200}, ax=below)
above.set_xlabel("")
plt.show()

# %% [markdown]
# ## Deployments
# How long it takes from asking to running. Tasks (`hello`) need a small image; web servers wait for a larger
# one, unless it is on the machine already.

# %%
deployments = run.deployments.assign(
    time_to_running_s=lambda frame: frame["running_s"] - frame["submitted_s"]
)
deployments.attrs["units"]["time_to_running_s"] = "s"
ax = plotting.plot_ecdf(deployments, "time_to_running_s", by="ensemble", log=True)
ax.set_ylabel("part of the deployments")
plt.show()

# %% [markdown]
# ## Allocations
# A row is one stretch of one service on one machine: one that moves has several, and its `generation` counts
# them. Each line below is a service, each colour a continent. What was lost with its machine is ended
# (`ended_s`) only when that comes back; for how long it did run is `served_s`.

# %%
continents = run.peers.set_index("peer")["continent"]
services = run.allocations[run.allocations["kind"] == "service"].copy()
services["continent"] = services["peer"].map(continents).astype(str)
services["runs_until_s"] = services["started_s"] + services["served_s"]
order = {deployment: place for place, deployment in enumerate(services["deployment"].unique())}

fig, ax = plt.subplots(figsize=(8, 5))
for (continent, rows), colour in zip(services.groupby("continent"), plotting.COLOURS, strict=False):
    ax.barh(
        rows["deployment"].map(order),
        rows["served_s"] / 3600,
        left=rows["started_s"] / 3600,
        height=0.8,
        color=colour,
        label=continent,
    )
for moment_s in outage.values():
    ax.axvline(moment_s / 3600, color="#404040", linestyle=(0, (4, 3)), linewidth=1)
ax.set(xlabel="simulated time (h)", ylabel="service, in order of asking", xlim=(0, 3))
ax.invert_yaxis()
ax.legend(title="runs in", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# How long the services that were moved did not run. Nearly all of it is the time until somebody notices:

# %%
services = services.sort_values(["deployment", "generation"])
gap_s = services["started_s"] - services.groupby("deployment")["runs_until_s"].shift()
gap_s[services["generation"] > 0].describe().round(1).rename("gap (s)").to_frame().T

# %% [markdown]
# ## Peers
# Where machines are, and for which part of the run they were up.

# %%
fig, ax = plt.subplots(figsize=(8, 3.6))
dots = ax.scatter(
    run.peers["lon"], run.peers["lat"], c=run.peers["up_fraction"], cmap="cividis", s=14, vmin=0.6, vmax=1
)
label = fig.colorbar(dots, ax=ax)
plotting.label_axis(label.ax, "y", "part of the run that it was up", "fraction")
ax.set(xlabel="longitude (degrees)", ylabel="latitude (degrees)", xlim=(-180, 180), ylim=(-60, 80))
plt.show()

# %% [markdown]
# ## Refusals
# Most of what goes on in a decentralised network is somebody saying no. Every reason is counted; `dmsim
# explain` tells one of them down to the token and the rule.

# %%
refusals = run.refusals.groupby(["stage", "reason"], observed=True)["count"].sum().nlargest(6)
refusals.rename("refusals").to_frame()

# %% [markdown]
# ## The same in polars
# `to_polars` reads any table with the same types. Units are then in `run.table(...).attrs`.

# %%
import polars as pl

(
    run.to_polars("allocations")
    .filter(pl.col("kind") == "service")
    .group_by("country")
    .agg(pl.len().alias("allocations"), (pl.col("served_s").sum() / 3600).round(1).alias("served_h"))
    .sort("served_h", descending=True)
    .head(5)
)

# %%
work.cleanup()
