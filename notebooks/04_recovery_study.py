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
# # What to do when machines are lost
# What the study of recovery found (`scenarios/studies/recovery`, `docs/studies.md`): eight ways to recover, and
# DMS as it is, over three days of 300 machines, 100 services with users and 500 tasks of some hours. Machines
# come and go as desktop computers, PlanetLab's hosts or those of a computing centre do. Its results are read
# from the repository; nothing is run here.

# %%
# needs: ../results/golden/studies/recovery/cells.csv
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter

import dmsim
from dmsim import plotting

plotting.use_style()
sweep = dmsim.load_sweep("../results/golden/studies/recovery")
print(f"{len(sweep.cells)} runs: {len(sweep.variants)} variants under {len(sweep.conditions)} conditions")
pd.Series(sweep.units, name="unit").to_frame().assign(better=sweep.better)

# %% [markdown]
# ## Moving what is lost decides nearly everything
# The part of the time in which a service that should run does not, on a logarithmic axis: each line to the left
# is ten times better. Whatever moves lost nodes to other machines is a hundred or a thousand times better than
# what does not, DMS as it is included.

# %%
rows = sweep.intervals("services.availability")
rows["missing"] = 1 - rows["mean"]
fig, ax = plt.subplots(figsize=(7.5, 4.2))
for place, (condition, own) in enumerate(rows.groupby("condition", observed=True)):
    ax.errorbar(
        own["missing"],
        own["variant"].cat.codes + (place - 1) * 0.2,
        xerr=own["half_width"].fillna(0),
        fmt=plotting.MARKERS[place],
        color=plotting.COLOURS[place],
        capsize=2.5,
        label=condition,
    )
ax.set_xscale("log")
ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4%}".rstrip("0%").rstrip(".") + "%"))
ax.set_yticks(range(len(sweep.variants)), sweep.variants)
ax.invert_yaxis()
ax.grid(False, axis="y")
ax.set_xlabel("part of the time that services were missed (1 − services.availability)")
ax.legend(title="machines as of", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# ## Users see the same
# The part of their requests that are answered is the part of the time that services run.

# %%
cells = sweep.cells
fig, ax = plt.subplots(figsize=(5.6, 4.2))
for place, (condition, own) in enumerate(cells.groupby("condition", observed=True)):
    ax.plot(
        own["services.availability"],
        own["requests.success_fraction"],
        plotting.MARKERS[place],
        color=plotting.COLOURS[place],
        markersize=4,
        alpha=0.6,
        label=condition,
    )
ax.axline((0.6, 0.6), (1, 1), color="#8a8a8a", linewidth=1, zorder=1)
plotting.label_axis(ax, "x", "services.availability", "fraction")
plotting.label_axis(ax, "y", "requests.success_fraction", "fraction")
ax.legend(title="each dot a run", loc="lower right")
plt.show()
correlation = cells["services.availability"].corr(cells["requests.success_fraction"])
print(f"correlation over all {len(cells)} runs: {correlation:.6f}")

# %% [markdown]
# ## What helps is noticing earlier
# Nearly all of a repair is the time until a loss is noticed, so what prepares another machine (`standby`)
# hardly helps, and suspecting after 60 s (`migration`) does. Of what does not move nodes, only repairs that
# ever came to an end are counted here, so it is left out.

# %%
movers = [name for name in sweep.variants if name not in ("DMS as it is", "stay down", "restart")]
found = sweep.difference("recovery_time.mean")
found = found[found["variant"].isin(movers)]
fig, ax = plt.subplots(figsize=(7.5, 3.2))
ax.axvline(0, color="#404040", linewidth=1)
names = [name for name in movers if name != sweep.baseline]
for place, condition in enumerate(sweep.conditions):
    for row in found[found["condition"] == condition].to_dict("records"):
        colour = plotting.COLOURS[place]
        ax.errorbar(
            row["difference"],
            names.index(row["variant"]) + (place - 1) * 0.2,
            xerr=row["difference_half_width"],
            fmt=plotting.MARKERS[place],
            color=colour,
            markerfacecolor=colour if row["certain"] else "white",
            capsize=2.5,
        )
    ax.errorbar([], [], fmt=plotting.MARKERS[place], color=plotting.COLOURS[place], label=condition)
ax.set_yticks(range(len(names)), names)
ax.invert_yaxis()
ax.grid(False, axis="y")
ax.set_xlabel(f"recovery_time.mean: paired difference to {sweep.baseline} (s); hollow: not certain")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# ## For tasks it is the other way round
# All ways that move tasks complete them, or all but one. What differs is the work that is lost with machines, and
# what is reserved: checkpoints lose a sixteenth of it and reserve nothing more, two copies of each task waste
# seventeen times as much, and a standby for each node doubles what is reserved.

# %%
condition = sweep.conditions[0]
wasted, held = (
    sweep.intervals(metric).query("condition == @condition").set_index("variant")
    for metric in ("work.wasted", "resources.held")
)
fig, ax = plt.subplots(figsize=(7.5, 4.2))
# DMS as it is repeats nothing, and so wastes nothing: it has no place on a logarithmic axis.
for place, variant in enumerate(name for name in sweep.variants if name != "DMS as it is"):
    ax.errorbar(
        held.loc[variant, "mean"],
        wasted.loc[variant, "mean"] / 3600,
        xerr=held.loc[variant, "half_width"],
        yerr=wasted.loc[variant, "half_width"] / 3600,
        fmt=plotting.MARKERS[place % len(plotting.MARKERS)],
        color=plotting.COLOURS[place % len(plotting.COLOURS)],
        label=variant,
    )
ax.set_yscale("log")
ax.set(xlabel="resources.held (core-hours)", ylabel="work.wasted (h of running)", title=condition)
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# ## Ranks, under each condition
# Who is best depends little on how machines fail, and much on what counts.

# %%
fig, axes = plt.subplots(1, len(sweep.conditions), figsize=(12.5, 4.6), sharey=True)
for ax, condition in zip(axes, sweep.conditions, strict=True):
    plotting.plot_ranks(sweep, condition=condition, ax=ax)
    ax.set_title(condition)
plt.show()

# %% [markdown]
# ## The numbers
# Means ± half of the 95 % interval, on desktop computers.

# %%
summary = sweep.summary[sweep.summary["condition"] == sweep.conditions[0]]
text = summary["mean"].map("{:.4g}".format) + " ± " + summary["half_width"].map("{:.2g}".format)
summary.assign(text=text).pivot(index="variant", columns="metric", values="text")[sweep.metrics]
