#!/usr/bin/env python3
"""Makes a page of a run that never was, for the browser tests and benches of the report.

    python3 tests/browser/sample.py OUT.html [--peers N] [--deployments N] [--seed N] [--hours N] [--empty]
                                             [--placeless]

The data has the form that the report embeds; what happens in it is drawn from a seeded generator, so the same
arguments give the same page. Names include markup, quotes, control characters and marks that turn the direction of
text. The template is rendered by jinja2, which is near enough to what the report itself uses.
"""
import argparse
import base64
import csv
import gzip
import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "src" / "report" / "page"
SCRIPTS = ("data", "format", "table", "detail", "map", "replay", "links", "main")
HOSTILE = (
    "<img src=x onerror=\"alert('image')\">",
    "\"'><script>window.injected = true</script>",
    "reversed \u202e name \u0000 with \u0007 bells",
    "</script><script>alert(1)</script>",
    "مرحبا-peer",
    "a-very-long-name-" + "w" * 220,
    "&lt;b&gt;not bold&lt;/b&gt; {{ 7 * 7 }}",
)
MEANINGS = {
    "bid": "A peer looked at the request for bids and did not bid. Most peers of a real network say nothing then. "
           "Ask for less, or let more peers take part.",
    "commit": "The peer that had won was asked to set its resources aside and could not any more, mostly since another "
              "deployment was faster. The orchestrator then asks for new bids.",
    "message": "The receiver looked at the capability tokens of a message and found no authority in them. "
               "Grant the capability to the sender, or renew the token that ran out.",
    "start": "The resources were set aside, but the allocation did not start on the machine.",
}


class Table:
    """Columns of one table; text columns hold numbers of strings."""

    def __init__(self, run, texts, numbers):
        self.run, self.texts = run, texts
        self.columns = {name: [] for name in (*texts, *numbers)}

    def add(self, **row):
        for name, column in self.columns.items():
            if name in self.texts:
                column.append(self.run.text(row.get(name, "")))
            else:
                column.append(row.get(name))


class Run:
    """Everything that a page shows of a run, made step by step."""

    def __init__(self, arguments):
        self.random = random.Random(arguments.seed)
        self.arguments = arguments
        self.duration = arguments.hours * 3600.0
        self.strings, self.numbers = [""], {"": 0}
        self.peers = Table(self, ("peer", "role", "organization", "city", "country", "continent", "memberships"),
                           ("lat", "lon", "up_fraction", "crashes"))
        self.deployments = Table(self, ("name", "ensemble", "status", "outcome", "reason"),
                                 ("orchestrator", "submitted_s", "running_s", "ended_s", "rounds", "attempts", "bids",
                                  "redeployments"))
        self.allocations = Table(self, ("node", "allocation", "kind", "end"),
                                 ("deployment", "generation", "peer", "committed_s", "started_s", "ended_s",
                                  "cpu_cores", "ram_bytes", "wanted_s", "served_s"))
        self.refusals = Table(self, ("stage", "reason", "amount_class", "example", "meaning"),
                              ("row", "deployment", "count", "first_time_s", "first_peer"))
        self.history = Table(self, ("kind", "node", "allocation", "state", "reason", "concerned"),
                             ("time_ms", "peer", "deployment", "generation"))
        self.messages = Table(self, ("behaviour", "end"),
                              ("message", "deployment", "from", "to", "is_broadcast", "size_bytes", "sent_ms",
                               "arrived_ms", "ended_ms"))
        self.down, self.initially_down, self.sides = [], [], {}

    def text(self, text):
        if text not in self.numbers:
            self.numbers[text] = len(self.strings)
            self.strings.append(text)
        return self.numbers[text]

    def happens(self, time_s, kind, **row):
        if time_s <= self.duration:
            row = {"peer": -1, "deployment": -1, "generation": -1, **row}
            self.history.add(time_ms=round(time_s * 1000), kind=kind, **row)

    def sends(self, deployment, behaviour, sender, receiver, sent, broadcast=0, lost=""):
        if sent > self.duration:
            return sent
        arrived = sent + self.random.uniform(0.02, 0.35)
        ended = arrived + 0.002
        self.messages.add(message=len(self.messages.columns["message"]), deployment=deployment, behaviour=behaviour,
                          to=receiver, is_broadcast=broadcast, size_bytes=self.random.randrange(300, 4000),
                          sent_ms=round(sent * 1000), arrived_ms=None if lost else round(arrived * 1000),
                          ended_ms=round(ended * 1000), end=lost or "handled", **{"from": sender})
        return ended

    def make_peers(self):
        with open(ROOT / "data" / "geo" / "cities.csv", newline="", encoding="utf-8") as file:
            cities = list(csv.DictReader(file))
        places = self.random.choices(cities, weights=[int(city["population"]) ** 0.8 for city in cities],
                                     k=self.arguments.peers)
        for row, city in enumerate(places):
            name = HOSTILE[row // 7] if row % 7 == 3 and row // 7 < len(HOSTILE) else f"peer-{row}"
            placed = not self.arguments.placeless and row % 97 != 5
            share, crashes = self.churn(row)
            organization = ("nunet", "", "acme", HOSTILE[1])[row % 4]
            self.peers.add(peer="alice" if row == 0 else name, role="user" if row < 8 else "provider",
                           organization=organization, city=city["name"] if placed else "",
                           country=city["country"] if placed else "", continent=city["continent"] if placed else "",
                           lat=float(city["lat"]) if placed else None, lon=float(city["lon"]) if placed else None,
                           up_fraction=round(share, 4), crashes=crashes, memberships=organization)
            self.sides.setdefault("NA SA".find(city["continent"]) < 0, []).append(row)

    def churn(self, row):
        """Times down of a peer as (from, to): users stay, and some providers join late."""
        down, time = [], 0.0
        if row >= 8 and row % 41 == 9:
            time = self.random.uniform(0.05, 0.6) * self.duration
            self.initially_down.append(row)
            down.append((0.0, time))
            self.happens(time, "peer_up", peer=row)
        while row >= 8 and row % 3 == 0:
            time += self.random.expovariate(1 / (0.45 * self.duration))
            if time >= self.duration:
                break
            back = time + self.random.expovariate(1 / (0.08 * self.duration)) + 20
            self.happens(time, "peer_down", peer=row, state="machine")
            self.happens(back, "peer_up", peer=row)
            down.append((time, back))
            time = back
        self.down.append(down)
        gone = sum(min(self.duration, back) - at for at, back in down)
        return 1 - gone / self.duration, sum(at > 0 for at, _ in down)

    def is_up(self, peer, time):
        return not any(at <= time < back for at, back in self.down[peer])

    def faults(self):
        def ranges(rows):
            parts, start = [], None
            for row in rows:
                if start is not None and row == last + 1:
                    last = row
                    continue
                if start is not None:
                    parts.append(f"{start}-{last}" if last > start else str(start))
                start = last = row
            return " ".join([*parts, f"{start}-{last}" if last > start else str(start)] if start is not None else parts)

        hour = self.duration / 6
        sides = "/".join(ranges(rows) for rows in self.sides.values())
        for number, (kind, begin, end, concerned) in enumerate((
                ("loss", 0.6 * hour, 0.9 * hour, ""), ("partition", 2 * hour, 2.6 * hour, sides),
                ("crash", 3.2 * hour, None, ranges(range(20, min(60, self.arguments.peers)))),
                ("outage", 4.2 * hour, 4.5 * hour, ranges(range(100, min(160, self.arguments.peers)))))):
            self.happens(begin, "fault_begins", state=kind, reason=f"fault {number}: {kind}", concerned=concerned)
            if end is not None:
                self.happens(end, "fault_ends", state=kind, reason=f"fault {number}", concerned=concerned)

    def make_deployments(self):
        for number in range(self.arguments.deployments):
            Deployment(self, number).play()

    def data(self):
        order = sorted(range(len(self.history.columns["kind"])), key=self.history.columns["time_ms"].__getitem__)
        history = {name: [column[row] for row in order] for name, column in self.history.columns.items()}
        land = json.loads((ROOT / "data" / "geo" / "land.json").read_text(encoding="utf-8"))
        tables = {name: getattr(self, name).columns
                  for name in ("peers", "deployments", "allocations", "refusals", "messages")}
        return {"schema": 1,
                "run": {"name": "sample <run> & \"more\"", "seed": self.arguments.seed, "profile": "default",
                        "signatures": "modelled", "digest": "0123456789abcdef0123456789abcdef",
                        "duration_s": self.duration, "stop_reason": "end of duration"},
                "strings": self.strings, **tables, "history": history, "initially_down": self.initially_down,
                "left_out": ["Messages of deployments after the first 200 are not in the page."]
                if self.arguments.deployments > 200 else [], "land": land}


class Deployment:
    """One deployment from its submission to its end."""

    def __init__(self, run, number):
        self.run, self.random, self.number = run, run.random, number
        self.orchestrator = self.random.randrange(min(8, run.arguments.peers))
        self.ends = []
        self.rounds = self.attempts = self.bids = self.moved = 0
        self.status, self.outcome, self.reason, self.running, self.ended = "", "", "", None, None

    def state(self, time, state, reason=""):
        self.run.happens(time, "deployment_status", peer=self.orchestrator, deployment=self.number, state=state,
                         reason=reason)
        if time <= self.run.duration:
            self.status = state.lower()

    def play(self):
        run, pick = self.run, self.random
        name = f"{pick.choice(('web', 'batch', 'index'))}-{self.number}"
        if self.number % 9 == 4:
            name = pick.choice(HOSTILE)
        submitted = (self.number + pick.random() * 0.8) / run.arguments.deployments * run.duration * 0.95
        run.happens(submitted, "deployment_accepted", peer=self.orchestrator, deployment=self.number)
        self.state(submitted, "Preparing")
        time = submitted
        fails = pick.random() < 0.12
        for node in range(pick.choice((1, 1, 2, 3))):
            time = self.place(time, f"node{node}", 0, fails)
        if self.running is not None:
            self.running = min(time, run.duration)
            self.state(time, "Running")
        if fails:
            stage = pick.choice(("bid", "commit"))
            run.happens(time, "stage_failed", peer=self.orchestrator, deployment=self.number, state=stage)
            self.reason = pick.choice(("start: no reply within 5m", "bid: nobody bid in 3 rounds", HOSTILE[0]))
            self.outcome, self.ended = "failed", min(time + 60, run.duration)
            self.state(self.ended, "Failed", self.reason)
        if self.ends and len(self.ends) == node + 1:
            self.ended, self.outcome = max(*self.ends, self.running), "succeeded"
            self.state(self.ended, "Completed")
        self.refusals(submitted, fails)
        run.deployments.add(name=name, orchestrator=self.orchestrator, ensemble=pick.choice(("web.yaml", "batch.yaml")),
                            submitted_s=submitted, running_s=self.running, ended_s=self.ended, status=self.status,
                            outcome=self.outcome or ("succeeded" if self.running else ""), reason=self.reason,
                            rounds=self.rounds, attempts=self.attempts, bids=self.bids, redeployments=self.moved)

    def place(self, time, node, generation, fails):
        """Asks for bids, commits and starts one node; returns when that is done."""
        run, pick, about = self.run, self.random, {"deployment": self.number, "node": node}
        self.rounds += 1
        run.happens(time, "round_opened", peer=self.orchestrator, **about)
        bidders = [peer for peer in pick.sample(range(run.arguments.peers), min(12, run.arguments.peers))
                   if run.is_up(peer, time) and peer != self.orchestrator]
        last = time
        for peer in bidders:
            came = run.sends(self.number, "/dms/deployment/request", self.orchestrator, peer, time, 1,
                             "lost: no connection" if pick.random() < 0.05 else "")
            last = max(last, run.sends(self.number, "/broadcast/dms/bid", peer, self.orchestrator, came))
            run.happens(last, "bid_made", peer=peer, **about)
            self.bids += 1
        if fails or not bidders:
            return last + 5
        peer, time = pick.choice(bidders), last + 1.0
        self.attempts += 1
        if self.running is None:
            self.state(time, "Committing")
        time = run.sends(self.number, "/dms/deployment/commit", self.orchestrator, peer, time)
        about = {**about, "peer": peer, "allocation": "alloc1", "generation": generation}
        run.happens(time, "committed", **about)
        committed, time = time, run.sends(self.number, "/dms/deployment/committed", peer, self.orchestrator, time)
        if self.running is None:
            self.state(time, "Provisioning")
        time = run.sends(self.number, "/dms/allocation/start", self.orchestrator, peer, time + 0.4)
        run.happens(time, "allocation_created", **about)
        started = time + pick.uniform(1, 40)
        run.happens(started, "allocation_state", state="running", **about)
        self.running = self.running or started
        self.live(node, generation, peer, committed, started)
        return started + 0.1

    def live(self, node, generation, peer, committed, started):
        run, pick = self.run, self.random
        task = self.number % 3 == 0
        ended = started + pick.uniform(300, 5000) if task else max(started + 60, run.duration * pick.uniform(0.7, 1.4))
        lost = next((at for at, _ in run.down[peer] if started < at < min(ended, run.duration)), None)
        over = min(ended, lost or ended, run.duration)
        about = {"deployment": self.number, "node": node, "allocation": "alloc1", "generation": generation}
        end = "" if over == run.duration else "failed" if lost else "completed" if task else "terminated"
        run.allocations.add(kind="task" if task else "service", peer=peer, committed_s=committed, started_s=started,
                            ended_s=over if end else None, end=end, cpu_cores=pick.choice((1, 2, 4)),
                            ram_bytes=2 << 30, wanted_s=over - started, served_s=over - started, **about)
        if lost and generation < 3:
            seen = lost + pick.uniform(20, 130)
            run.happens(seen, "suspected", peer=self.orchestrator, **{**about, "generation": generation})
            run.happens(seen + 5, "redeployment_started", peer=self.orchestrator,
                        **{**about, "generation": generation + 1})
            self.moved += 1
            self.place(seen + 5, node, generation + 1, False)
        elif end:
            run.happens(over, "allocation_state", state=end, peer=peer, **about)
            self.ends.append(over)

    def refusals(self, submitted, fails):
        run, pick = self.run, self.random
        for stage in MEANINGS:
            if pick.random() < (0.5 if fails else 0.25):
                reason = {"bid": "not enough free cpu", "commit": "already committed",
                          "message": "token expired", "start": HOSTILE[0]}[stage]
                run.refusals.add(row=len(run.refusals.columns["row"]) + 1, deployment=self.number, stage=stage,
                                 reason=reason, amount_class="cpu x10" if stage == "bid" else "",
                                 count=pick.randrange(1, 90), first_time_s=submitted + pick.random(),
                                 first_peer=pick.randrange(run.arguments.peers), meaning=MEANINGS[stage],
                                 example=f"{reason}: wanted 4 cores, had 2\nchain: root <did:key:z6Mk> -> node; "
                                         f"link 2 {HOSTILE[2]}")


def picture(label, values, color):
    """A stand-in for a plot."""
    points = " ".join(f"{60 + 800 * x / (len(values) - 1):.0f},{260 - 200 * y:.0f}" for x, y in enumerate(values))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 300" role="img" aria-label="{label}">'
            f'<rect width="900" height="300" fill="#FFFFFF"/><text x="60" y="34" font-family="sans-serif" '
            f'font-size="20" font-weight="bold" fill="#222222">{label}</text>'
            f'<polyline points="60,50 60,260 860,260" fill="none" stroke="#5F6368"/>'
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="3"/></svg>')


def context(run, data):
    """What the report gives to the template beside style, script and data."""
    failed = [row for row, outcome in enumerate(data["deployments"]["outcome"]) if data["strings"][outcome] == "failed"]
    asked, cell = len(data["deployments"]["name"]), lambda text, sort="": {"text": text, "sort": sort}
    tile = lambda label, value, tone="": {"label": label, "value": value, "tone": tone}
    steps = [abs((x * 7919) % 17) / 17 for x in range(40)]
    contracts = [[cell(str(row), str(row)), cell(HOSTILE[row % 7]), cell(f"{row * 1.5}", f"{row * 1.5}")]
                 for row in range(12)]
    return {
        **data["run"], "duration": f"{run.arguments.hours}:00:00",
        "expectations": [{"expression": "deployments.succeeded_fraction >= 0.8", "value": "0.88", "passed": True},
                         {"expression": "resources.leaked == 0", "value": "0", "passed": True}],
        "failed_expectations": 0,
        "tiles": [tile("deployments asked", str(asked)), tile("succeeded", str(asked - len(failed)), "good"),
                  tile("failed", str(len(failed)), "bad" if failed else ""),
                  tile("service availability", "99.95 %"), tile("time to running p50", "18.2 s"),
                  tile("time to running p95", "61.0 s"), tile("redeployments", "15"),
                  tile("departures of peers", "157")],
        "plots": [{"name": name, "caption": f"{label}, every minute.", "svg": picture(label, steps[place:], color)}
                  for place, (name, label, color) in enumerate((("peers", "Peers up", "#0072B2"),
                                                                ("deployments", "Deployments", "#009E73"),
                                                                ("map", "Messages sent", "#D55E00")))],
        "failures": [{"reason": data["strings"][data["deployments"]["reason"][row]], "count": 1, "share": "1.7 %",
                      "example": f"#{row}", "submitted": "0:12:00"} for row in failed[:5]],
        "deployments_total": asked,
        "tables": [{"title": "Contracts", "id": "contracts", "hint": "a name, a party", "total": 12, "order": "",
                    "columns": ["#", "name", "paid"], "rows": contracts}] if asked else [],
        "inputs": [("scenario.yaml", "ab" * 32)],
        "provenance": {"version": "0.1.0", "commit": "", "command": "dmsim run scenario.yaml", "wall": "2.2 s",
                       "cores": 2, "events": "1 350 638"},
    }


def render(run, data, served=""):
    import jinja2
    environment = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(PAGE))
    script = "".join((PAGE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS
                     if (PAGE / f"{name}.js").exists())
    packed = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 6, mtime=0)
    return environment.get_template("template.html").render(
        **context(run, data), style=(PAGE / "style.css").read_text(encoding="utf-8"), script=script,
        data="" if served else base64.b64encode(packed).decode(), data_url=served)


def arguments(given=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--peers", type=int, default=400)
    parser.add_argument("--deployments", type=int, default=60)
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--empty", action="store_true", help="nothing in any table")
    parser.add_argument("--placeless", action="store_true", help="no peer has a place")
    return parser.parse_args(given)


def make(given):
    """The page of a run, and its data."""
    run = Run(arguments(given))
    if not run.arguments.empty:
        run.make_peers()
        run.faults()
        run.make_deployments()
    data = run.data()
    run.arguments.out.parent.mkdir(parents=True, exist_ok=True)
    run.arguments.out.write_text(render(run, data), encoding="utf-8")
    return data


if __name__ == "__main__":
    made = make(None)
    print({name: len(next(iter(table.values()))) for name, table in made.items()
           if isinstance(table, dict) and name != "run"})
