#!/usr/bin/env python3
"""Tests what `dmsim` shows in a browser: the page of a sweep, pages that it serves, and names that would like to be
more than text.

    python3 tests/browser/program.py DMSIM WORK

Ends with "N passed, N failed". Needs what check.py needs.
"""
import html
import json
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import check
from driver import ROOT, Driver

sys.path.insert(0, str(ROOT / "tests"))
import outcome  # noqa: E402  (it lies beside this folder)

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
NODE = "</script><b onclick=alert(2)>\"'&\x1b[2J\u202e"
WORD = re.sub("[^a-z0-9]", "_", HOSTILE)  # what a deployment is called whose ensemble is in such a file
STUDY = ROOT / "notebooks" / "calm-study.yaml"


class Program:
    """The program, and what it has made so far."""

    def __init__(self, path, work):
        self.path, self.work = pathlib.Path(path).resolve(), pathlib.Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.run("run", "scenarios/outage.yaml", "--set", "duration=100m", "--set", "expect=[]", "--out", self.work / "run")
        self.run("study", STUDY, "--replications", "3", "--out", self.work / "sweep")

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
        return done

    def serve(self, *arguments, files=None):
        """A server, which may open so many files."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        return Served(subprocess.Popen([self.path, "report", *arguments, "--serve"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, cwd=ROOT,
                                       preexec_fn=limit if files else None))


class Served:
    """A server for as long as it is entered."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.url = self.process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", self.url), (self.url, self.process.stderr.read())
        self.port = int(re.search(r":(\d+)/", self.url).group(1))
        return self

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def threads(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0, "an interrupt does not end it well"

    def get(self, path="", **headers):
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def a_report_made_again_is_the_same(driver, program):
    page = program.work / "run" / "report.html"
    before = page.read_bytes()
    done = program.run("report", program.work / "run")
    assert done.stdout.strip() == str(page) and page.read_bytes() == before


def a_run_that_is_served_is_the_same_page_with_all_of_its_data(driver, program):
    with program.serve(program.work / "run") as served, driver.visit(served.url, load=False) as visit:
        visit.allowed |= {served.url + "data.json", served.url}
        visit.load()
        assert not visit.errors and not visit.requests, (visit.errors, visit.requests)
        counts = visit.counts()
        with driver.visit(program.work / "run" / "report.html") as file:
            assert file.counts() == counts and counts["history"] > 100, counts
        visit.page.locator("#all-deployments .virtual tbody tr:not(.spacer)").first.click()
        visit.settle()
        assert "deployment" in visit.text("#panel h2").lower()


def a_server_answers_this_machine_only_and_has_no_other_files(driver, program):
    with program.serve(program.work / "run") as served:
        assert served.get()[0] == 200
        assert served.get(Host="evil.example")[0] == 403
        assert served.get("../Cargo.toml")[0] == 404 and served.get("run.json")[0] == 404
        request = urllib.request.Request(served.url, data=b"x", method="POST")
        try:
            urllib.request.urlopen(request, timeout=20)
            raise AssertionError("a POST was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 405
        # Somebody who does not read what he asked for, and somebody who does not send what he announced.
        slow = [served.connect() for _ in range(2)]
        head = f"Host: 127.0.0.1:{served.port}\r\n"
        slow[0].sendall(f"GET /data.json HTTP/1.1\r\n{head}\r\n".encode())
        slow[1].sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: 1000000\r\n\r\n".encode())
        data = json.loads(served.get("data.json")[1])
        for one in slow:
            one.close()
        assert data["schema"] == 1 and data["left_out"] is not None


def nobody_can_use_up_a_server(driver, program):
    """Thousands of requests at once, hundreds of silent connections, and heads without an end."""
    with program.serve(program.work / "run") as served:
        request = f"GET /data.json HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
        hasty = [served.connect() for _ in range(4)]
        for one in hasty:
            one.setblocking(False)
            try:
                one.send(request * 20_000)
            except (BlockingIOError, ConnectionError):
                pass
        endless = served.connect()
        try:
            endless.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000)
        except ConnectionError:
            pass
        silent = [served.connect() for _ in range(300)]
        time.sleep(1)
        assert served.threads() < 80, served.threads()
        for one in silent + hasty + [endless]:
            one.close()
        assert served.get()[0] == 200 and served.get("data.json")[0] == 200


def a_server_that_lacks_files_goes_on_when_there_are_some(driver, program):
    with program.serve(program.work / "run", files=24) as served:
        many = [served.connect() for _ in range(60)]
        time.sleep(1)
        for one in many:
            one.close()
        assert served.get()[0] == 200


def a_sweep_has_a_page_with_its_comparison_and_its_runs(driver, program):
    page = program.work / "sweep" / "report.html"
    plan = json.loads((program.work / "sweep" / "plan.json").read_text())
    for width, scheme in ((1400, "light"), (390, "dark")):
        with driver.visit(page, width=width, scheme=scheme, load=False) as visit:
            visit.load(scripted=False)
            assert not visit.errors and not visit.requests, (visit.errors, visit.requests)
            scrolls = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert scrolls <= 0, f"the page scrolls sideways by {scrolls}"
            text = visit.text("main")
            for arm in plan["variants"] + plan["conditions"]:
                assert arm["name"] in text, arm["name"]
            assert visit.page.locator("#plots ~ .plots figure svg").count() >= 2
            rows = visit.page.locator("#cells-table tbody tr")
            assert rows.count() == plan["cells"]
            link = rows.first.locator("a").get_attribute("href")
            result = json.loads((page.parent / link).read_text())
            assert result["id"].startswith(rows.first.locator("a").inner_text())
            visit.page.locator("input[data-filters=cells]").fill(plan["variants"][1]["name"])
            shown = int(visit.text("[data-shown=cells]"))
            assert 0 < shown < plan["cells"], shown
            check_sorting(visit, "#cells-table", "replication")
            visit.page.screenshot(path=str(program.work / f"sweep-{width}.png"), full_page=True)


def check_sorting(visit, table, title):
    head = visit.page.locator(f"{table} th", has_text=title).first
    column = head.evaluate("(head) => head.cellIndex")
    for _ in range(2):
        head.locator("button").click()
        values = visit.page.evaluate(f"[...document.querySelector('{table}').tBodies[0].rows]"
                                     f".map((row) => Number(row.cells[{column}].textContent))")
        order = head.get_attribute("aria-sort")
        assert values == sorted(values, reverse=order == "descending"), (order, values[:5])


def a_served_sweep_has_its_cells(driver, program):
    with program.serve(program.work / "sweep") as served:
        status, page = served.get()
        assert status == 200
        link = re.search(r'href="(cells/[^"]+\.json)"', html.unescape(page)).group(1)
        assert json.loads(served.get(link)[1])["id"] in link
        assert served.get("cells/../plan.json")[0] == 404 and served.get("plan.json")[0] == 404


def hostile_names_are_text_everywhere(driver, program):
    """Names of a scenario, of peers, of ensembles and their nodes, wherever they are shown."""
    folder = program.work / "hostile"
    (folder / "ensembles").mkdir(parents=True)
    ensembles = ROOT / "scenarios" / "ensembles"
    shutil.copy(ensembles / "web.yaml", folder / "ensembles")
    # Names of scenarios, peers and deployments are words, whatever the file of an ensemble is called; a node's name
    # is any text.
    node = json.dumps(NODE)
    ensemble = (ensembles / "hello.yaml").read_text().replace("node1:", f"{node}:")
    (folder / "ensembles" / f"{HOSTILE}.yaml").write_text(ensemble)
    scenario = (ROOT / "scenarios" / "outage.yaml").read_text()
    scenario = scenario.replace("ensembles/hello.yaml", json.dumps(f"ensembles/{HOSTILE}.yaml"))
    (folder / "scenario.yaml").write_text(scenario)
    run = folder / "run"
    done = program.run("run", folder / "scenario.yaml", "--set", "duration=100m", "--set", "expect=[]", "--out", run)
    said = [done, program.run("check", folder / "ensembles" / f"{HOSTILE}.yaml"), program.run("explain", run),
            program.run("plot", run, "--out", folder / "plots")]
    for one in said:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", one.stdout + one.stderr), one
    assert f",{WORD}," in (run / "deployments.csv").read_text()
    assert NODE in (run / "history.csv").read_text().replace('""', '"')
    for picture in (folder / "plots").glob("*.svg"):
        with driver.visit(picture, scripted=True, load=False) as visit:
            visit.load(scripted=False)
            visit.page.wait_for_timeout(50)
            assert not visit.dialogs and not visit.requests, picture.name
            assert visit.page.evaluate("document.querySelectorAll('img, script').length") == 0, picture.name
    for test in check.TESTS:
        if test.__name__ in ("loads_without_errors_and_asks_for_nothing", "the_address_names_what_is_shown"):
            test(driver, run / "report.html")
    with driver.visit(run / "report.html") as visit:
        visit.page.locator("#all-deployments input[type=search]").fill("onerror")
        visit.settle()
        visit.page.locator("#all-deployments .virtual tbody tr:not(.spacer)").first.click()
        visit.settle()
        panel = visit.page.locator("#panel").text_content()
        assert WORD in panel and NODE.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd") in panel, panel
        visit.seek(1800)
        assert not visit.dialogs and not visit.errors
        assert visit.page.evaluate("document.querySelectorAll('img').length") == 0


TESTS = [
    a_report_made_again_is_the_same,
    a_run_that_is_served_is_the_same_page_with_all_of_its_data,
    a_server_answers_this_machine_only_and_has_no_other_files,
    nobody_can_use_up_a_server,
    a_server_that_lacks_files_goes_on_when_there_are_some,
    a_sweep_has_a_page_with_its_comparison_and_its_runs,
    a_served_sweep_has_its_cells,
    hostile_names_are_text_everywhere,
]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with Driver() as driver:
        return outcome.run(TESTS, driver, Program(*sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
