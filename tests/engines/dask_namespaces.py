#!/usr/bin/env python3
"""A sweep on a Dask cluster of three machines, of which one is lost in the middle.

usage: dask_namespaces.py DMSIM WORK

The machines are network namespaces: a hub with the scheduler and the client, and two with a worker each, which reach
each other through the hub. When some shards are finished, the link to the second worker is cut and the worker killed
with all that it has started. The sweep must be finished by the first one, and its tables must be those of a local run
and of a run in shards out of order. This is done with a shared folder, and with plan and results sent over the network;
then the folder is hidden from the workers.

Needs root, `ip`, and a Python with python/requirements.txt. Ends with 77 where it has not.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from common import CELLS, ROOT, arguments, compare, dmsim, expected, plan, say, skip

SHARDS = 20
# When so many are finished the second worker is lost.
CUT_AFTER = 5
PORT = 8786
HUB_ADDRESS = "10.231.0.1"
# A lost machine is noticed after about that time; Dask refuses less than eleven seconds.
TIMEOUT = "12s"
PATIENCE_S = 180


def run(*words, check=True):
    return subprocess.run(words, capture_output=True, text=True, check=check)


class Network:
    """Three namespaces, joined by two pairs of virtual interfaces."""

    def __init__(self):
        own = f"{os.getpid():x}"
        self.hub, self.workers = f"dmsim-hub-{own}", [f"dmsim-w1-{own}", f"dmsim-w2-{own}"]
        self.links = [f"dm1{own}", f"dm2{own}"]
        self.processes = []

    @property
    def names(self):
        return [self.hub, *self.workers]

    def build(self):
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.hub, "address", "add", f"{HUB_ADDRESS}/32", "dev", "lo")
        run("ip", "netns", "exec", self.hub, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for number, (name, link) in enumerate(zip(self.workers, self.links, strict=True), start=1):
            run(
                "ip",
                "-n",
                self.hub,
                "link",
                "add",
                link,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                name,
            )
            for where, device, host in ((self.hub, link, 1), (name, "eth0", 2)):
                run("ip", "-n", where, "address", "add", f"10.231.{number}.{host}/24", "dev", device)
                run("ip", "-n", where, "link", "set", device, "up")
            run("ip", "-n", name, "route", "add", "default", "via", f"10.231.{number}.1")

    def start(self, name, command, log, environment, hidden=None):
        """Starts a program in a namespace; `hidden` is a folder that it shall not see."""
        if hidden is not None:
            # `ip netns exec` has a mount namespace of its own, so nobody else sees this.
            command = ["sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden), *command]
        with log.open("w") as output:
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def lose_second(self):
        """Cuts the link, then kills all that runs behind it. Nobody is told."""
        run("ip", "-n", self.hub, "link", "set", self.links[1], "down")
        self.kill_all_in(self.workers[1])

    @staticmethod
    def kill_all_in(name):
        for process in run("ip", "netns", "pids", name, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)

    def remove(self):
        for name in self.names:
            self.kill_all_in(name)
        for process in self.processes:
            process.wait(timeout=30)
        for name in self.names:
            run("ip", "netns", "del", name, check=False)


def check_requirements():
    if os.geteuid() != 0:
        skip("network namespaces need root")
    if shutil.which("ip") is None:
        skip("there is no `ip` here (iproute2)")
    try:
        import distributed  # noqa: F401
        import pandas  # noqa: F401
    except ImportError as error:
        skip(f"{error}: install python/requirements.txt")
    name = f"dmsim-probe-{os.getpid():x}"
    tried = run("ip", "netns", "add", name, check=False)
    if tried.returncode != 0:
        skip(f"no network namespace can be made here: {tried.stderr.strip()}")
    run("ip", "netns", "del", name)


def sweep_on_three_machines(program, work, reference, send):
    mode = "sent" if send else "shared"
    folder = plan(program, work, mode)
    network = Network()
    # Workers do not find the package: Dask and the program must be enough.
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    bare |= {
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": TIMEOUT,
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": TIMEOUT,
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "15s",
    }
    dask = [sys.executable, "-m", "dask"]
    try:
        network.build()
        address = f"tcp://{HUB_ADDRESS}:{PORT}"
        http = ["--no-dashboard", "--dashboard-address"]
        command = [*dask, "scheduler", "--host", HUB_ADDRESS, "--port", str(PORT), *http, f"{HUB_ADDRESS}:0"]
        network.start(network.hub, command, work / f"{mode}-scheduler.log", bare)
        for number, name in enumerate(network.workers, start=1):
            host = f"10.231.{number}.2"
            command = [*dask, "worker", address, "--host", host, "--nthreads", "1", "--no-nanny"]
            command += ["--death-timeout", "60", "--local-directory", str(work / f"{mode}-scratch-{number}")]
            command += [*http, f"{host}:0"]
            hidden = folder if send else None
            network.start(name, command, work / f"{mode}-worker-{number}.log", bare, hidden)
        wait_for_workers(network, address, bare)
        command = [str(program), "sweep", "submit", str(folder), "--engine", "dask", "--scheduler", address]
        command += ["--of", str(SHARDS), "--python", sys.executable, *(["--send"] if send else [])]
        environment = bare | {"PYTHONPATH": str(ROOT / "python" / "src")}
        begin = time.monotonic()
        done_by, cut_at = watch(network, command, environment, work / f"{mode}-client.log")
        elapsed_s = time.monotonic() - begin
    finally:
        network.remove()
    first, second = (sum(f"10.231.{number}.2" in worker for worker in done_by) for number in (1, 2))
    if first + second != SHARDS or second == 0 or cut_at is None:
        sys.exit(
            f"FAILED: {mode}: {first} and {second} shards of {SHARDS}; the link was cut: {cut_at is not None}"
        )
    after = done_by[cut_at:]
    if len(after) < 3 or not all("10.231.1.2" in worker for worker in after[1:]):
        # One of the second worker may have been on its way when the link was cut.
        sys.exit(f"FAILED: {mode}: after the cut, shards came from {after}")
    say(
        f"{mode}: {CELLS} cells in {SHARDS} shards on two workers; the link to the second was cut and it was killed "
        f"after {cut_at}; it had finished {second}, the first finished all other {first} ({elapsed_s:.1f} s)"
    )
    compare(program, folder, reference, mode)


def wait_for_workers(network, address, environment):
    script = (
        f"from distributed import Client; Client({address!r}, timeout='60s').wait_for_workers(2, timeout=60)"
    )
    done = subprocess.run(
        ["ip", "netns", "exec", network.hub, sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"FAILED: the cluster did not come up:\n{done.stderr[-2000:]}")


def watch(network, command, environment, log):
    """Runs the client and loses the second worker on the way. Returns who finished shards, in order, and after how many
    of them the link was cut."""
    client = subprocess.Popen(
        ["ip", "netns", "exec", network.hub, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    network.processes.append(client)
    # A sweep that hangs ends here, and its namespaces with it.
    guard = threading.Timer(PATIENCE_S, client.kill)
    guard.start()
    done_by, cut_at = [], None
    try:
        with log.open("w") as file:
            for line in client.stderr:
                file.write(line)
                file.flush()
                if found := re.match(r"\d+/\d+ shards: \d+ on (\S+),", line):
                    done_by.append(found[1])
                both = len({worker for worker in done_by}) == 2
                if cut_at is None and both and len(done_by) >= CUT_AFTER:
                    network.lose_second()
                    cut_at = len(done_by)
        code = client.wait(timeout=30)
    finally:
        guard.cancel()
    if code != 0:
        sys.exit(f"FAILED: dmsim sweep submit ended with {code}:\n{log.read_text()[-3000:]}")
    return done_by, cut_at


def sweep_out_of_order(program, work, reference):
    folder = plan(program, work, "shuffled")
    for shard in (2, 0, 1):
        dmsim(program, "sweep", "run", folder, "--shard", str(shard), "--of", "3")
    compare(program, folder, reference, "three shards out of order")


def main():
    program, work = arguments(Path(__file__).name)
    check_requirements()
    # A test that is told to end removes its namespaces too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("FAILED: ended from outside"))
    reference = expected(program, work)
    sweep_out_of_order(program, work, reference)
    for send in (False, True):
        sweep_on_three_machines(program, work, reference, send)


if __name__ == "__main__":
    main()
