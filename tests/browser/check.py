#!/usr/bin/env python3
"""Tests the page of a run in a browser.

    python3 tests/browser/check.py [REPORT.html ...]     pages made by sample.py, and the given ones
    python3 tests/browser/check.py --bless               stores the pictures anew
    python3 tests/browser/check.py --bench [--peers N]   how fast a page of 10,000 peers is drawn

Needs Chromium (CHROMIUM names it where it is not /usr/bin/chromium) and the packages of requirements.txt.
"""
import argparse
import json
import pathlib
import re
import shutil
import statistics
import sys
import traceback
import urllib.parse

import sample
from driver import OUT, Driver, compare_picture, served

TESTS = []
# Longest median time of drawing one picture.
DRAW_LIMIT_MS = 33.0


class Skip(Exception):
    """The page has nothing that the test could test."""


def test(function):
    """A test of one page, run on every page."""
    TESTS.append(function)
    return function


def need(visit, *names):
    for name in names:
        if not visit.counts()[name]:
            raise Skip(f"no {name}")


def open_row(visit, section, place=0):
    visit.page.locator(f"{section} .virtual tbody tr:not(.spacer)").nth(place).click()
    visit.settle()


def heading(visit):
    return visit.text("#panel h2")


# ---- Tests of every page


@test
def loads_without_errors_and_asks_for_nothing(driver, path):
    with driver.visit(path) as visit:
        visit.page.wait_for_timeout(300)
        assert not visit.errors, visit.errors
        assert not visit.requests, visit.requests
        assert visit.page.locator("h1").inner_text().strip()
        ids = visit.page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
        assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
        assert all(isinstance(count, int) for count in visit.counts().values()), visit.counts()


@test
def the_slider_moves_the_time(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        duration = visit.state()["duration_s"]
        slider = visit.page.locator("#slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        for share in (0.25, 0.8):
            visit.page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
            visit.settle()
            time = visit.state()["time_s"]
            assert abs(time / duration - share) < 0.02, (time, share)
            hours, minutes, seconds = map(float, visit.text("#clock").split(":"))
            assert abs(hours * 3600 + minutes * 60 + seconds - time) < 1.01, (visit.text("#clock"), time)


@test
def play_advances_and_pause_stops(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        visit.page.locator("#play").click()
        visit.page.wait_for_timeout(700)
        playing = visit.state()
        assert playing["playing"] and playing["time_s"] > 0.1 * playing["speed"], playing
        assert visit.page.locator("#play").get_attribute("aria-label") == "Pause"
        visit.page.locator("#play").click()
        first = visit.state()
        visit.page.wait_for_timeout(300)
        assert visit.state()["time_s"] == first["time_s"] and not visit.state()["playing"]


@test
def going_back_is_the_same_as_going_forward(driver, path):
    with driver.visit(path) as visit:
        need(visit, "history")
        duration, seen = visit.state()["duration_s"], {}
        for share in (0.1, 0.5, 0.9, 1.0, 0.5, 0.9, 0.1):
            visit.seek(duration * share)
            state = visit.state()
            now = (state["peers_up"], state["allocations_running"])
            assert seen.setdefault(share, now) == now, (share, seen[share], now)


@test
def search_narrows_the_table_and_says_how_many(driver, path):
    with driver.visit(path) as visit:
        need(visit, "deployments")
        total = visit.counts()["deployments"]
        word = visit.rows("#all-deployments", 10)[-1][2].split()[0]
        visit.page.locator("#all-deployments input").fill(word)
        visit.page.wait_for_timeout(250)
        rows = visit.rows("#all-deployments")
        assert rows and all(word.lower() in "\n".join(row).lower() for row in rows), word
        digits = re.findall(r"\d+", visit.text("#all-deployments .count").replace("\u202f", ""))
        assert int(digits[-1]) == total and (len(digits) == 1 or int(digits[0]) <= total)
        visit.page.locator("#all-deployments input").fill("no deployment is called so")
        visit.page.wait_for_timeout(250)
        assert not visit.rows("#all-deployments")
        assert visit.page.locator("#all-deployments .empty").is_visible()
        assert visit.text("#all-deployments .count").startswith("0 of")


def sort_key(text):
    text = text.replace("\u202f", "").lower()
    if re.fullmatch(r"-?[\d.]+( %)?", text):
        return (0, float(text.split()[0]), "")
    return (1, 0, re.sub(r"\d+", lambda digits: digits.group().zfill(12), text))


@test
def sorting_works_both_ways_in_every_table(driver, path):
    with driver.visit(path) as visit:
        for section, columns in (("deployments", (0, 1, 4, 6, 11)), ("peers", (0, 3, 6)), ("refusals", (0, 3))):
            if not visit.counts()[section]:
                continue
            for column in columns:
                head = visit.page.locator(f"#all-{section} th").nth(column)
                for direction in ("ascending", "descending"):
                    head.locator("button").click()
                    assert head.get_attribute("aria-sort") == direction
                    values = [row[column] for row in visit.rows(f"#all-{section}")]
                    filled = [sort_key(value) for value in values if value]
                    assert filled == sorted(filled, reverse=direction == "descending"), (section, column, values)
                    assert "" not in values[:len(filled)], "what is missing comes last"


@test
def a_deployment_opens_with_its_history(driver, path):
    with driver.visit(path) as visit:
        need(visit, "deployments", "history")
        row = visit.rows("#all-deployments", 3)[0]
        open_row(visit, "#all-deployments")
        assert heading(visit).startswith(f"Deployment {row[0]}"), heading(visit)
        assert visit.state()["following"] == int(row[0])
        table = visit.page.locator("#panel .virtual[aria-label=History]")
        if not table.count():
            raise Skip("the first deployment has no history")
        entries = table.locator("tbody tr:not(.spacer)")
        last = min(entries.count(), 8) - 1
        time = entries.nth(last).locator("td").first.inner_text()
        entries.nth(last).click()
        visit.settle()
        hours, minutes, seconds = map(float, time.split(":"))
        assert abs(visit.state()["time_s"] - (hours * 3600 + minutes * 60 + seconds)) < 0.02
        visit.page.keyboard.press("Escape")
        assert visit.page.locator("#panel").is_hidden() and visit.state()["following"] is None


@test
def a_refusal_is_explained(driver, path):
    with driver.visit(path) as visit:
        need(visit, "refusals")
        visit.page.locator("#all-refusals select").select_option("deployment")
        rows = visit.rows("#all-refusals", 20)
        chosen = next((place for place, row in enumerate(rows) if row[4].startswith("#")), 0)
        open_row(visit, "#all-refusals", chosen)
        explained = visit.text("#panel")
        assert rows[chosen][1][:40] in explained.replace("\n", " ") and "stage" in explained
        assert re.search(r"dmsim explain RUN --refusal \d+", explained)
        title = heading(visit)
        link = visit.page.locator("#panel .about button.link").filter(has_text=re.compile(r"^#\d+"))
        if not link.count():
            raise Skip("no refusal of a deployment")
        link.first.click()
        assert heading(visit).startswith("Deployment")
        visit.page.locator("#panel .virtual[aria-label='Refusals of this deployment'] tr:not(.spacer) td").first.click()
        assert heading(visit).startswith("Refusal")
        visit.page.get_by_role("button", name="Back").click()
        assert heading(visit).startswith("Deployment")
        visit.page.get_by_role("button", name="Back").click()
        assert heading(visit) == title


@test
def a_peer_is_picked_on_the_map(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        visit.page.locator("#world").scroll_into_view_if_needed()
        name = visit.rows("#all-peers", 2)[1][0]
        x, y = visit.page.evaluate("(name) => dmsimReplay.spot(name)", name)
        visit.page.locator("#map-top").click(position={"x": x, "y": y})
        visit.settle()
        if heading(visit).startswith("In one dot"):
            rows = visit.page.locator("#panel .virtual tbody tr:not(.spacer)")
            rows.first.click()
        assert heading(visit).startswith("Peer"), heading(visit)
        assert visit.state()["peer"] in heading(visit)
        assert visit.page.locator("#panel .part").count() > 0


@test
def what_happens_leads_to_what_it_is_about(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        visit.seek(visit.state()["duration_s"] * 0.9)
        line = visit.page.locator("#now li:visible button").first
        said = line.inner_text()
        line.click()
        visit.settle()
        if said.startswith("#"):
            assert heading(visit).startswith(f"Deployment {said[1:].split()[0]}\n"), (said, heading(visit))
        elif not said.startswith("fault"):
            assert heading(visit).startswith("Peer"), (said, heading(visit))


@test
def the_map_zooms_and_returns(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        view = lambda: visit.state()["view"]
        visit.page.locator("#world").scroll_into_view_if_needed()
        first = view()
        box = visit.page.locator("#map-top").bounding_box()
        visit.page.mouse.move(box["x"] + 300, box["y"] + 120)
        for _ in range(6):
            visit.page.mouse.wheel(0, -240)
        visit.settle()
        near = view()
        assert near["scale"] > 4 * first["scale"], (first, near)
        for axis, at in (("lon", 300), ("lat", -120)):
            under = [one[axis] + at / one["scale"] for one in (first, near)]
            assert abs(under[0] - under[1]) < 0.5, "the zoom is around the pointer"
        visit.page.mouse.down()
        visit.page.mouse.move(box["x"] + 360, box["y"] + 140, steps=6)
        visit.page.mouse.up()
        moved = (near["lon"] - view()["lon"]) * near["scale"]
        assert 40 < moved < 70, moved
        visit.page.locator("#zoom-fit").click()
        assert view() == first, (view(), first)


@test
def deep_links_lead_to_what_they_name(driver, path):
    with driver.visit(path) as visit:
        counts, duration = visit.counts(), visit.state()["duration_s"]
        name = visit.rows("#all-peers", 4)[-1][0] if counts["peers"] else ""
    middle = round(duration / 2, 3)
    if counts["deployments"]:
        with driver.visit(path, f"#t={middle}&deployment=0") as visit:
            assert heading(visit).startswith("Deployment 0")
            assert abs(visit.state()["time_s"] - middle) < 0.01 and visit.state()["following"] == 0
            visit.page.evaluate("location.hash = '#t=1'")
            visit.page.wait_for_timeout(100)
            assert abs(visit.state()["time_s"] - 1) < 0.01
    if counts["peers"]:
        with driver.visit(path, "#peer=" + urllib.parse.quote(name, safe="")) as visit:
            assert visit.state()["peer"] == name, (visit.state(), name)
    if counts["refusals"]:
        with driver.visit(path, "#refusal=1") as visit:
            assert heading(visit).startswith("Refusal 1")
    with driver.visit(path, "#failures") as visit:
        assert visit.page.locator("#failures").bounding_box()["y"] < 700
    for nonsense in ("#deployment=999999&t=-4", "#peer=%E0%A4%A", "#refusal=x&t=1e999", "#=", "#t=1;<b>"):
        with driver.visit(path, nonsense) as visit:
            assert not visit.errors, (nonsense, visit.errors)


@test
def the_address_names_what_is_shown(driver, path):
    with driver.visit(path) as visit:
        need(visit, "deployments", "history")
        assert visit.page.evaluate("location.hash") == "", "nothing is named before anything is chosen"
        open_row(visit, "#all-deployments")
        visit.seek(visit.state()["duration_s"] / 2)
        visit.page.wait_for_timeout(500)
        address, state = visit.page.evaluate("location.hash"), visit.state()
        assert f"deployment={state['following']}" in address and "t=" in address, address
    with driver.visit(path, address) as again:
        assert again.state()["following"] == state["following"]
        assert abs(again.state()["time_s"] - state["time_s"]) < 0.01


@test
def the_keyboard_reaches_everything(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history", "deployments")
        press, duration = visit.page.keyboard.press, visit.state()["duration_s"]
        press("End")
        assert visit.state()["time_s"] == duration
        press("Home")
        assert visit.state()["time_s"] == 0
        speed = visit.state()["speed"]
        press("ArrowRight")
        assert abs(visit.state()["time_s"] - min(duration, speed)) < 0.01
        press("ArrowLeft")
        assert visit.state()["time_s"] == 0
        press("Shift+ArrowRight")
        press("-")
        assert visit.state()["speed"] < speed
        press("+")
        press("+")
        assert visit.state()["speed"] > speed
        press(" ")
        assert visit.state()["playing"]
        press(" ")
        assert not visit.state()["playing"]
        press("?")
        assert visit.page.locator("#help").is_visible()
        press("Escape")
        assert visit.page.locator("#help").is_hidden()
        press("/")
        assert visit.page.evaluate("document.activeElement === document.querySelector('#all-deployments input')")
        time = visit.state()["time_s"]
        press(" ")
        press("End")
        assert visit.state()["time_s"] == time and not visit.state()["playing"], "keys belong to the field"
        visit.page.locator("#all-deployments tbody tr:not(.spacer)").first.focus()
        press("ArrowDown")
        press("Enter")
        assert visit.page.locator("#panel").is_visible()
        press("Escape")
        assert visit.page.locator("#panel").is_hidden()


@test
def controls_are_reached_by_tab(driver, path):
    with driver.visit(path) as visit:
        need(visit, "peers", "history")
        wanted = {"zoom-in", "zoom-out", "zoom-fit", "slider", "before", "play", "after", "speed", "help-open"}
        for _ in range(60):
            visit.page.keyboard.press("Tab")
            wanted.discard(visit.page.evaluate("document.activeElement.id"))
        assert not wanted, wanted


@test
def nothing_is_wider_than_the_window(driver, path):
    for width, height in ((390, 800), (900, 800), (1900, 1000), (2200, 1100)):
        with driver.visit(path, width=width, height=height) as visit:
            measure = "[document.documentElement.scrollWidth, innerWidth]"
            assert visit.page.evaluate(measure)[0] <= width, (width, visit.page.evaluate(measure))
            for section in ("deployments", "peers", "refusals"):
                if visit.counts()[section]:
                    open_row(visit, f"#all-{section}")
                    assert visit.page.evaluate(measure)[0] <= width, (width, section)
                    visit.page.keyboard.press("Escape")


@test
def it_is_dark_where_dark_is_wanted(driver, path):
    def brightness(visit):
        visit.page.wait_for_timeout(100)
        body = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        pixel = visit.page.evaluate(
            "[...document.getElementById('map-land').getContext('2d').getImageData(3, 3, 1, 1).data].slice(0, 3)")
        return [sum(map(int, re.findall(r"\d+", body)[:3])) / 3, sum(pixel) / 3]

    with driver.visit(path, scheme="light") as visit:
        has_map = visit.page.locator("#world").is_visible()
        assert all(value > 150 for value in brightness(visit)[:1 + has_map])
        visit.page.emulate_media(color_scheme="dark")
        assert all(value < 90 for value in brightness(visit)[:1 + has_map]), "the canvas follows a change"


@test
def without_scripts_the_rest_can_be_read(driver, path):
    with driver.visit(path, scripted=False) as visit:
        assert "JavaScript" in visit.text("noscript")
        assert visit.page.locator("#failures").is_visible() and visit.page.locator("#replay").is_hidden()
        assert visit.page.locator(".tile").count() > 0


# ---- Tests of pages that were made for them


def hostile_names_are_only_text(driver, pages):
    with driver.visit(pages["usual"]) as visit:
        names = {row[0] for row in visit.rows("#all-peers", 80)}
        assert sample.HOSTILE[0] in names, names
        replaced = sample.HOSTILE[2].replace("\u202e", "\ufffd").replace("\u0000", "\ufffd").replace("\u0007", "\ufffd")
        assert replaced in names, names
        row = next(place for place, row in enumerate(visit.rows("#all-deployments")) if row[1] in sample.HOSTILE)
        open_row(visit, "#all-deployments", row)
        for name in sample.HOSTILE[:6]:
            shown = re.sub(r"[\u0000-\u0008\u202e]", "\ufffd", name)
            visit.page.evaluate("(name) => { location.hash = 'peer=' + encodeURIComponent(name); }", shown)
            visit.page.wait_for_timeout(80)
            assert visit.state()["peer"] == shown
        for time in range(0, 21600, 1800):
            visit.seek(time)
        assert visit.page.evaluate("window.injected") is None
        assert visit.page.locator("img, iframe, object, embed").count() == 0
        assert not visit.dialogs and not visit.errors and not visit.requests


def empty_and_odd_runs_say_so(driver, pages):
    with driver.visit(pages["empty"]) as visit:
        assert "no peers" in visit.text("#replay-none") and not visit.errors
        for section in ("deployments", "peers", "refusals"):
            assert visit.page.locator(f"#all-{section} p").is_visible()
    with driver.visit(pages["silent"]) as visit:
        assert visit.text("#replay-none").startswith("This run was made without a history") and not visit.errors
        assert visit.rows("#all-peers", 5)
    with driver.visit(pages["placeless"]) as visit:
        assert "No peer has a place" in visit.text("#left-out") and not visit.errors
        assert visit.page.locator("#world").is_visible()
    with driver.visit(pages["broken"], load=False) as visit:
        visit.load(scripted=False)
        visit.page.wait_for_timeout(500)
        assert "could not be read" in visit.text("#replay-none")


def a_served_page_fetches_its_data_from_its_server(driver, pages):
    with served(pages["served"].parent) as address:
        with driver.visit(f"{address}/served.html", load=False) as visit:
            visit.allowed.add(f"{address}/data.json")
            visit.load()
            assert visit.counts()["peers"] == 400 and not visit.errors
            assert [url for url in visit.requests if not url.endswith("favicon.ico")] == []


def many_rows_are_few_elements(driver, pages):
    with driver.visit(pages["many"]) as visit:
        assert visit.counts()["peers"] == 10000
        assert visit.page.locator("#all-peers tbody tr").count() < 60
        visit.page.locator("#all-peers .virtual").evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
        visit.settle()
        visit.settle()
        last = visit.page.locator("#all-peers tbody tr:not(.spacer)").last
        assert last.get_attribute("aria-rowindex") == "10001"
        spent = visit.page.evaluate("""() => {
          const input = document.querySelector('#all-peers input'), start = performance.now();
          input.value = 'tokyo';
          input.dispatchEvent(new Event('input'));
          return new Promise((done) =>
            setTimeout(() => requestAnimationFrame(() => done(performance.now() - start)), 0));
        }""")
        assert "tokyo" in visit.rows("#all-peers", 3)[0][3].lower() and spent < 1500, spent
        assert visit.text("#all-peers .count").count("of") == 1


def following_shows_messages_on_their_way(driver, pages):
    count = """async (times) => {
      let most = 0, now = 0;
      const message = WorldMap.prototype.drawMessage, draw = WorldMap.prototype.draw;
      WorldMap.prototype.drawMessage = function (...all) { now += 1; message.apply(this, all); };
      WorldMap.prototype.draw = function (...all) { now = 0; draw.apply(this, all); most = Math.max(most, now); };
      for (const time of times) {
        dmsimReplay.seek(time);
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      }
      Object.assign(WorldMap.prototype, { drawMessage: message, draw });
      return most;
    }"""
    with driver.visit(pages["usual"], "#deployment=3") as visit:
        asked = visit.state()
        assert asked["following"] == 3 and asked["speed"] < 2, "slow where much happens"
        times = [asked["time_s"] + 0.1 * step for step in range(12)]
        assert visit.page.evaluate(count, times) >= 4
        visit.page.get_by_role("button", name="Play it from its start").click()
        visit.page.wait_for_timeout(400)
        early = visit.state()
        assert early["playing"] and early["time_s"] - asked["time_s"] < 60
        visit.page.evaluate("dmsimReplay.pause()")
        visit.page.get_by_role("button", name="Show everything", exact=True).click()
        assert visit.state()["following"] is None and visit.page.locator("#panel").is_visible()
        assert visit.page.evaluate(count, times) == 0


def nothing_pulses_where_motion_is_unwanted(driver, pages):
    sizes = {}
    for motion in ("reduce", "no-preference"):
        with driver.visit(pages["usual"], motion=motion) as visit:
            sizes[motion] = visit.page.evaluate("""() => {
              const seen = new Set(), draw = WorldMap.prototype.drawRing;
              WorldMap.prototype.drawRing = function (ring) {
                if (ring.color === 'bid') seen.add(ring.radius);
                draw.call(this, ring);
              };
              return (async () => {
                for (let step = 0; step < 60; step += 1) {
                  dmsimReplay.seek(8900 + step * 20);
                  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                }
                return [...seen];
              })();
            }""")
    assert len(sizes["reduce"]) == 1 and len(sizes["no-preference"]) > 5, sizes


PICTURES = {
    "light-wide": {"address": "#t=8000", "width": 1600, "height": 1000},
    "dark-wide": {"address": "#t=15300", "width": 1600, "height": 1000, "scheme": "dark"},
    "narrow": {"address": "#t=12000", "width": 390, "height": 800},
    "following": {"address": "#t=8921.62&deployment=26", "width": 1600, "height": 1000},
    "refusal": {"address": "#refusal=3", "width": 1400, "height": 900, "scheme": "dark"},
}


def picture_test(name, options, bless):
    def check(driver, pages):
        with driver.visit(pages["usual"], **options) as visit:
            if "deployment" not in name and "refusal" not in name:
                visit.page.evaluate("document.getElementById('replay').scrollIntoView()")
            visit.page.wait_for_timeout(300)
            problem = compare_picture(visit, name, bless)
            assert not problem, problem
    check.__name__ = f"looks_as_stored_{name.replace('-', '_')}"
    return check


# ---- Running them


def make_pages():
    folder = OUT / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = {name: folder / f"{name}.html" for name in
             ("usual", "empty", "silent", "placeless", "broken", "served", "many")}
    for name, more in (("usual", []), ("empty", ["--empty"]), ("placeless", ["--placeless", "--peers", "90"]),
                       ("many", ["--peers", "10000", "--deployments", "300"])):
        sample.make([str(pages[name]), *more])
    run = sample.Run(sample.arguments([str(pages["silent"])]))
    run.make_peers()
    data = run.data()
    for table in ("history", "allocations"):
        data[table] = {name: [] for name in data[table]}
    pages["silent"].write_text(sample.render(run, data), encoding="utf-8")
    usual = pages["usual"].read_text(encoding="utf-8")
    start = usual.index('id="data">') + len('id="data">')
    pages["broken"].write_text(usual[:start] + "AAAA" + usual[usual.index("<", start):], encoding="utf-8")
    run = sample.Run(sample.arguments([str(pages["served"])]))
    run.make_peers()
    data = run.data()
    pages["served"].write_text(sample.render(run, data, "data.json"), encoding="utf-8")
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    return pages


def run_tests(options):
    pages, passed, failed = make_pages(), 0, []
    own = [hostile_names_are_only_text, empty_and_odd_runs_say_so, a_served_page_fetches_its_data_from_its_server,
           many_rows_are_few_elements, following_shows_messages_on_their_way, nothing_pulses_where_motion_is_unwanted]
    own += [picture_test(name, picture, options.bless) for name, picture in PICTURES.items()]
    jobs = [(f"{pathlib.Path(path).name}: {function.__name__}", function, path)
            for path in [pages["usual"], *options.reports] for function in TESTS]
    jobs += [(function.__name__, function, pages) for function in own]
    with Driver() as driver:
        for name, function, argument in jobs:
            if options.only and options.only not in name:
                continue
            try:
                function(driver, argument)
            except Skip as reason:
                print(f"skip  {name}: {reason}")
                continue
            except Exception:
                failed.append(name)
                print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
                continue
            passed += 1
            print(f"ok    {name}", flush=True)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


def bench(options):
    path = OUT / f"bench-{options.peers}.html"
    made = sample.make([str(path), "--peers", str(options.peers), "--deployments", "1000"])
    print(f"{options.peers} peers, {len(made['history']['kind'])} rows of history, "
          f"{len(made['messages']['message'])} messages, page of {path.stat().st_size / 1e6:.1f} MB")
    with Driver() as driver, driver.visit(path, load=False, width=1600, height=1000) as visit:
        visit.page.goto(visit.url)
        print(f"ready after {visit.ready():.0f} ms")
        worst = 0.0
        for label, start in (("whole map", ""), ("following", "dmsimReplay.follow(200)")):
            visit.page.evaluate("document.getElementById('replay').scrollIntoView()")
            if start:
                visit.page.evaluate(start)
            visit.page.evaluate("dmsimReplay.frames.length = 0; dmsimReplay.intervals.length = 0; dmsimReplay.play()")
            visit.page.wait_for_timeout(8000)
            visit.page.evaluate("dmsimReplay.pause()")
            draw, gaps = visit.page.evaluate("[dmsimReplay.frames, dmsimReplay.intervals]")
            for what, times in (("draw", draw), ("interval", gaps)):
                ordered = sorted(times)
                print(f"{label}: {what} median {statistics.median(times):.1f} ms, "
                      f"p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms, {len(times)} frames")
            worst = max(worst, statistics.median(draw))
        visit.page.evaluate("dmsimReplay.follow(null)")
        jump = visit.page.evaluate("""() => {
          const times = [], end = dmsimReplay.state().duration_s, wait = () => new Promise(requestAnimationFrame);
          return (async () => {
            for (const share of [1, 0, 0.9, 0.1, 0.6]) {
              const start = performance.now();
              dmsimReplay.seek(end * share);
              await wait();
              await wait();
              times.push(performance.now() - start);
            }
            return Math.max(...times);
          })();
        }""")
        print(f"longest jump of the slider {jump:.0f} ms")
    print("ok" if worst <= DRAW_LIMIT_MS else f"FAIL: above {DRAW_LIMIT_MS:.0f} ms")
    return int(worst > DRAW_LIMIT_MS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="*", type=pathlib.Path)
    parser.add_argument("--bless", action="store_true", help="store the pictures anew")
    parser.add_argument("--bench", action="store_true", help="measure drawing instead")
    parser.add_argument("--peers", type=int, default=10000, help="peers of the bench page")
    parser.add_argument("--only", help="only tests whose names have this")
    options = parser.parse_args()
    return bench(options) if options.bench else run_tests(options)


if __name__ == "__main__":
    sys.exit(main())
