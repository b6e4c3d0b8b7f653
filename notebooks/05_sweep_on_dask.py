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
# # A sweep on Dask
# A study of many runs is planned into a folder, run in as many parts and on as many machines as there are, and
# merged. Whoever runs it, the merged tables have the same bytes. Here the workers of a Dask cluster run it, and
# then this machine alone.

# %%
import filecmp
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
from distributed import Client, LocalCluster

import dmsim
from dmsim import plotting
from dmsim.dask import run_sweep

plotting.use_style()
work = tempfile.TemporaryDirectory()
folder = Path(work.name) / "sweep"
print(Path("calm-study.yaml").read_text())

# %% [markdown]
# ## Plan
# The folder has everything that a run needs: scenarios with all defaults written out, and a line for each cell,
# whose `id` is a digest of all that goes into it.

# %%
dmsim.plan_sweep("calm-study.yaml", folder)
lines = (folder / "cells.jsonl").read_text().splitlines()
print(f"{len(lines)} cells in", sorted(path.name for path in folder.iterdir()))
json.loads(lines[0])

# %% [markdown]
# ## Run
# Two workers on loopback. A task is a shard of cells, and what travels is a receipt. Dask asks nobody who he
# is: on more than this machine use ssh tunnels or its TLS settings (`python/README.md`).

# %%
cluster = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")
client = Client(cluster)
begin = time.monotonic()
outcome = run_sweep(client, folder, of=9)
workers = Counter(receipt.worker for receipt in outcome.receipts)
print(f"{sum(receipt.made for receipt in outcome.receipts)} cells in {time.monotonic() - begin:.1f} s")
print(f"shards a worker: {sorted(workers.values())}")

# %% [markdown]
# ## Go on
# What is finished is never run again. If some results get lost, the same call makes those alone.

# %%
for path in sorted(folder.glob("cells/*/*.json"))[:10]:
    path.unlink()
again = run_sweep(client, folder, of=9)
made = sum(receipt.made for receipt in again.receipts)
print(f"{made} cells in {len(again.receipts)} shards; {again.known} shards were finished")

# %% [markdown]
# ## Without a shared folder
# Machines that see no common folder are sent the plan, and send their results back.

# %%
sent = Path(work.name) / "sent"
dmsim.plan_sweep("calm-study.yaml", sent)
outcome = run_sweep(client, sent, of=9, send=True)
print(f"{len(outcome.receipts)} shards, {len(list(sent.glob('cells/*/*.json')))} results came back")
client.close()
cluster.close()

# %% [markdown]
# ## Merge, and compare with this machine alone
# The same bytes, whatever the engine, the number of shards and their order.

# %%
sweep = dmsim.merge_sweep(folder)
dmsim.merge_sweep(sent)
alone = Path(work.name) / "alone"
dmsim.plan_sweep("calm-study.yaml", alone)
dmsim.run_sweep(alone)
dmsim.merge_sweep(alone)
for name in ("cells.csv", "summary.csv", "failures.csv"):
    same = all(filecmp.cmp(alone / name, other / name, shallow=False) for other in (folder, sent))
    print(f"{name}: {'the same bytes' if same else 'DIFFERENT'}")
    assert same

# %% [markdown]
# ## What came out
# Where messages get lost, deployments start later, however machines are chosen. Uniform placement takes the
# first bids that suffice; the others compare, and so wait for the end of a round of bids, which is five
# seconds.

# %%
plotting.plot_intervals(sweep, "time_to_running.mean")
plt.show()

# %%
sweep.to_polars("cells").select("condition", "variant", "replication", "time_to_running.mean").head(4)

# %%
work.cleanup()
