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
# # Compare strategies
# One run of each strategy says little: which machines crash, and when, is drawn. A *study* runs every variant
# many times, on the same seeds. Here are four ways to recover from the outage of `scenarios/outage.yaml`,
# twenty runs of each.

# %%
import math
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import dmsim
from dmsim import plotting, statistics

plotting.use_style()
work = tempfile.TemporaryDirectory()
print(Path("outage-study.yaml").read_text())

# %%
sweep = dmsim.study("outage-study.yaml", out=Path(work.name) / "outage")
sweep.cells.iloc[[0, 1, 20, 21], :6]

# %% [markdown]
# A row a run. Replication *n* has the same seed in every variant, so all four meet the same machines and the
# same failures (`docs/statistics.md`).
#
# ## Means with their intervals
# The bars are intervals of 95 % by Student's t: of a hundred such studies, the true mean is inside in
# ninety-five.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9.5, 2.6), sharey=True)
for ax, metric in zip(axes, ["services.availability", "recovery_time.mean"], strict=True):
    plotting.plot_intervals(sweep, metric, ax=ax)
plt.show()
sweep.intervals("services.availability")[
    ["variant", "runs", "mean", "half_width", "bootstrap_low", "bootstrap_high"]
]

# %% [markdown]
# Suspecting sooner is clearly better. Whether a standby is worse than plain redeployment does not follow from
# this picture: the two intervals overlap.
#
# ## Paired differences
# But the runs come in pairs. The difference within each pair leaves out what both have in common, that is
# whether many or few services ran in Europe. The marks are replications; a filled dot is a difference that is
# certain.

# %%
ax = plotting.plot_differences(sweep, "services.availability")
plt.show()
sweep.difference("services.availability")

# %% [markdown]
# Now it is certain: with a standby, services are available a little less. (Where Europe is gone, so are the
# standbys in it.) What is certain was corrected for there being three differences (Holm). Any variant can be
# the baseline:

# %%
sweep.difference("services.availability", baseline="suspect sooner")

# %% [markdown]
# ## Why common random numbers help
# Each dot is a seed. In a bad replication both are bad, so the differences vary far less than the values. Drawn
# independently, the variances of the two would add up; paired, twice their covariance is taken off.

# %%
by_seed = sweep.cells.pivot(index="replication", columns="variant", values="services.availability")
x, y = by_seed["redeploy"], by_seed["standby"]
fig, ax = plt.subplots(figsize=(4.4, 4.2))
ends = [min(x.min(), y.min()) - 0.001, max(x.max(), y.max()) + 0.001]
ax.plot(ends, ends, color="#8a8a8a", linewidth=1)
ax.plot(x, y, "o", color=plotting.COLOURS[0])
plotting.label_axis(ax, "x", "availability with redeploy", "fraction")
plotting.label_axis(ax, "y", "availability with standby", "fraction")
ax.set(xlim=ends, ylim=ends, aspect="equal")
plt.show()
print(f"correlation {x.corr(y):.2f}")

# %%
rows = []
for metric in sweep.metrics:
    wide = sweep.cells.pivot(index="replication", columns="variant", values=metric)
    for variant in sweep.variants[1:]:
        one, base = wide[variant], wide[sweep.baseline]
        paired = statistics.mean((one - base).tolist()).half_width
        t = statistics.quantile(0.95, 2 * len(base) - 2)
        independent = t * math.sqrt((one.var() + base.var()) / len(base))
        rows.append((metric, variant, paired, independent, (independent / paired) ** 2))
columns = [
    "metric",
    "variant",
    "half width, paired",
    "half width, independent",
    "runs saved by pairing, times",
]
pd.DataFrame(rows, columns=columns).round({columns[2]: 4, columns[3]: 4, columns[4]: 1})

# %% [markdown]
# The last column is how many times as many runs independent seeds would need for the same interval.
#
# ## How many replications
# An interval shrinks with the root of the number of runs: half as wide takes four times as many. The line is
# the interval of the mean recovery time as runs come in, the dashed ones a target of ± 2 %. With `replications:
# {until: recovery_time.mean, half_width: 2%, ...}` a study ends by itself when its target is met.

# %%
values = sweep.cells.query("variant == 'redeploy'")["recovery_time.mean"].to_numpy()
counts = np.arange(3, len(values) + 1)
known = [statistics.mean(values[:count].tolist()) for count in counts]
mean = np.array([one.value for one in known])
half = np.array([one.half_width for one in known])
fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.fill_between(counts, mean - half, mean + half, color=plotting.COLOURS[0], alpha=0.25, linewidth=0)
ax.plot(counts, mean, color=plotting.COLOURS[0], label="mean and 95 % interval")
ax.plot(counts, mean * 1.02, "--", color=plotting.COLOURS[1], linewidth=1, label="± 2 %")
ax.plot(counts, mean * 0.98, "--", color=plotting.COLOURS[1], linewidth=1)
ax.set(xlabel="replications", xticks=range(4, len(values) + 1, 4))
plotting.label_axis(ax, "y", "recovery_time.mean", "s")
ax.legend()
plt.show()
relative = half[-1] / mean[-1]
print(f"± {relative:.1%} after {len(values)} replications")
for target in (0.05, 0.01, 0.005):
    print(f"± {target:.1%} would take about {math.ceil(len(values) * (relative / target) ** 2)}")

# %% [markdown]
# ## What it costs
# Nothing is free: suspecting sooner sends more messages, and a standby for each node doubles what is reserved.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9.5, 2.4), sharey=True)
for ax, metric in zip(axes, ["messages.sent", "resources.held"], strict=True):
    plotting.plot_differences(sweep, metric, ax=ax)
plt.show()

# %%
work.cleanup()
