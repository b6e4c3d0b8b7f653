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
# # Which machine gets a job
# What the study of placement found (`scenarios/studies/placement`, `docs/studies.md`): fifteen policies and a
# scoring expression, on twelve hours of three hundred machines that come and go as desktop computers do, a
# tenth of them with graphics cards. Its results are read from the repository; nothing is run here.

# %%
# needs: ../results/golden/studies/placement/cells.csv
import matplotlib.pyplot as plt
import pandas as pd

import dmsim
from dmsim import plotting

plotting.use_style()
sweep = dmsim.load_sweep("../results/golden/studies/placement")
print(
    f"{len(sweep.cells)} runs: {len(sweep.variants)} policies, {sweep.plan['replications']} replications of each"
)
pd.Series(sweep.units, name="unit").to_frame().assign(better=sweep.better)

# %% [markdown]
# ## No policy is the best for everybody
# The rank of each policy by each metric. A sign is a difference to uniform placement, which is what DMS does,
# that is certain among all that are compared by the metric.

# %%
plotting.plot_ranks(sweep)
plt.show()

# %% [markdown]
# How many of the fifteen differences to uniform placement are certain, and how many of them are for the better:

# %%
found = {metric: sweep.difference(metric) for metric in sweep.metrics}
pd.DataFrame(
    {
        "certainly better": {
            metric: int(rows["is_better"].fillna(False).sum()) for metric, rows in found.items()
        },
        "certainly worse": {
            metric: int((~rows["is_better"]).fillna(False).sum()) for metric, rows in found.items()
        },
    }
).assign(open=lambda frame: len(sweep.variants) - 1 - frame.sum(axis=1))

# %% [markdown]
# ## Users want their jobs done, and soon
# Both by the same thing, whether the image of a job is on the machine already. Each dot is a policy with both
# of its intervals; the better it is the nearer it stands to the upper left.


# %%
def scatter(ax, x, y, named):
    """Each variant by two metrics, with both intervals; those of `named` with their names."""
    one, other = (sweep.intervals(metric).set_index("variant") for metric in (x, y))
    for variant in sweep.variants:
        place, height = one.loc[variant], other.loc[variant]
        is_named = variant in named
        colour = plotting.COLOURS[named.index(variant) % len(plotting.COLOURS)] if is_named else "#a8a8a8"
        ax.errorbar(
            place["mean"],
            height["mean"],
            xerr=place["half_width"],
            yerr=height["half_width"],
            fmt=plotting.MARKERS[named.index(variant) % len(plotting.MARKERS)] if is_named else ".",
            color=colour,
            elinewidth=1,
            zorder=3 if is_named else 2,
            label=variant if is_named else None,
        )
    ax.errorbar([], [], fmt=".", color="#a8a8a8", label="all others")
    plotting.label_axis(ax, "x", x, sweep.units[x])
    plotting.label_axis(ax, "y", y, sweep.units[y])
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


fig, ax = plt.subplots(figsize=(7.5, 4))
scatter(
    ax,
    "time_to_running.mean",
    "deployments.succeeded_fraction",
    ["uniform", "data_aware", "power_of_d", "best_fit", "latency_aware"],
)
plt.show()

# %% [markdown]
# `power_of_d` draws two of those that bid for each node of a pair, of which often none is near the other end:
# pairs fail. The paired differences are far narrower than the intervals above:

# %%
plotting.plot_differences(sweep, "deployments.succeeded_fraction")
plt.show()

# %% [markdown]
# ## Owners of clusters want their cards used
# Cards that are free in pieces of no use are lost as well. `fgd` and `best_fit` were made to avoid that, and
# do; `gpu_packing` and `worst_fit` use the cards less than uniform placement.

# %%
fig, ax = plt.subplots(figsize=(7.5, 4))
scatter(
    ax,
    "cards.fragmentation",
    "cards.allocation_ratio",
    ["uniform", "fgd", "best_fit", "gpu_packing", "worst_fit", "dot_product"],
)
plt.show()

# %% [markdown]
# ## Whoever pays wants it cheap
# The auctions differ by what is paid, not by who wins: the second price is the price of having machines tell
# the truth. The least energy is drawn where most is left on large machines, because here a machine draws the
# same whatever its size.

# %%
fig, ax = plt.subplots(figsize=(7.5, 4))
scatter(
    ax, "cost", "energy", ["uniform", "first_price_auction", "second_price_auction", "worst_fit", "score"]
)
plt.show()

# %% [markdown]
# ## What common random numbers were worth
# How many times as many runs it would have taken without them to know the differences to uniform placement as
# well: the variance of the difference of independent runs, over that of pairs.

# %%
worth = {}
for metric in sweep.metrics:
    wide = sweep.cells.pivot(index="replication", columns="variant", values=metric)
    base = wide[sweep.baseline]
    others = wide.drop(columns=sweep.baseline)
    worth[metric] = ((others.var() + base.var()) / others.sub(base, axis=0).var()).median()
pd.Series(worth, name="times as many runs (median over the policies)").round(1).to_frame()
