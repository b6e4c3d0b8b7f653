"""Opens pages in Chromium, watches what they do, and compares pictures of them."""
import contextlib
import http.server
import os
import pathlib
import threading

import numpy
from PIL import Image
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "target" / "browser"
EXPECTED = HERE / "expected"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]
# Stored pictures are so wide, and compared by the means of blocks of so many pixels: fonts differ between machines.
PICTURE_WIDTH, BLOCK = 800, 8
# Differences from 0 to 255 of a block's mean: how much all may differ, what is clear, and how many blocks may be.
MEAN_LIMIT, CLEAR, CLEAR_SHARE = 4.0, 20.0, 0.06


class Visit:
    """A page that is open, with everything that it said and asked for."""

    def __init__(self, context, url):
        self.url, self.errors, self.requests, self.dialogs = url, [], [], []
        self.page = context.new_page()
        self.page.on("console", lambda message: message.type in ("error", "warning")
                     and self.errors.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("dialog", self.dialog)
        self.allowed = {url.split("#")[0]}
        self.page.route("**/*", self.route)

    def dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def route(self, route):
        if route.request.url.split("#")[0] in self.allowed:
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def load(self, scripted=True):
        self.page.goto(self.url)
        if scripted:
            self.ready()
            self.settle()
        return self

    def ready(self):
        """Waits until the data was read; returns when that was, in milliseconds since the page began to load."""
        # The page forbids to evaluate texts, which the driver's own way of waiting does.
        return self.page.evaluate("""() => new Promise((done, fail) => {
          const look = () => {
            if (window.dmsimReplay) done(performance.now());
            else if (performance.now() > 60000) fail(new Error("the page is not ready"));
            else setTimeout(look, 5);
          };
          look();
        })""")

    def settle(self):
        """Waits for two pictures, so that everything asked for is shown."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def state(self):
        return self.page.evaluate("dmsimReplay.state()")

    def counts(self):
        return self.page.evaluate("dmsimReplay.counts")

    def seek(self, time):
        self.page.evaluate(f"dmsimReplay.seek({time})")
        self.settle()

    def text(self, selector):
        return self.page.locator(selector).first.inner_text()

    def rows(self, section, most=60):
        """Texts of the first rows of a table of any length, in their order, by scrolling through it."""
        found, box = {}, self.page.locator(f"{section} .virtual").first
        for step in range(most // 10 + 2):
            box.evaluate("(box, top) => { box.scrollTop = top; }", step * 340)
            self.settle()
            self.settle()
            for index, cells in box.evaluate(
                    "(box) => [...box.querySelectorAll('tbody tr:not(.spacer)')].map((row) =>"
                    " [Number(row.getAttribute('aria-rowindex')), [...row.cells].map((cell) => cell.textContent)])"):
                found[index] = cells
        box.evaluate("(box) => { box.scrollTop = 0; }")
        self.settle()
        self.settle()
        return [found[index] for index in sorted(found)][:most]


class Driver:
    """A browser for as long as it is entered."""

    def __enter__(self):
        self.play = sync_playwright().start()
        self.browser = self.play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        return self

    def __exit__(self, *_):
        self.browser.close()
        self.play.stop()

    @contextlib.contextmanager
    def visit(self, path, address="", width=1400, height=900, scheme="light", scripted=True, motion="no-preference",
              load=True):
        """Opens a file or an address of a server."""
        url = path if str(path).startswith("http") else pathlib.Path(path).resolve().as_uri()
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                           java_script_enabled=scripted, reduced_motion=motion)
        try:
            visit = Visit(context, url + address)
            yield visit.load(scripted) if load else visit
        finally:
            context.close()


@contextlib.contextmanager
def served(folder):
    """A server of a folder on this machine."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def blocks(image):
    """The means of an image's blocks."""
    values = numpy.asarray(image.convert("RGB"), dtype=float)
    height, width = (size // BLOCK * BLOCK for size in values.shape[:2])
    return values[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean(axis=(1, 3))


def compare_picture(visit, name, bless):
    """Compares what is in the window with the stored picture; returns what is wrong, or nothing."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.png"
    visit.page.screenshot(path=str(path))
    taken = Image.open(path).convert("RGB")
    width = min(PICTURE_WIDTH, taken.width)
    taken = taken.resize((width, round(taken.height * width / taken.width)), Image.LANCZOS)
    if bless:
        EXPECTED.mkdir(exist_ok=True)
        taken.quantize(112, dither=Image.Dither.NONE).save(EXPECTED / f"{name}.png", optimize=True)
        return ""
    if not (EXPECTED / f"{name}.png").exists():
        return f"there is no expected/{name}.png; --bless makes it"
    stored = Image.open(EXPECTED / f"{name}.png").convert("RGB")
    if stored.size != taken.size:
        return f"{name} is {taken.size}, and {stored.size} was stored"
    gap = numpy.abs(blocks(taken) - blocks(stored)).max(axis=2)
    mean, clear = gap.mean(), (gap > CLEAR).mean()
    if mean <= MEAN_LIMIT and clear <= CLEAR_SHARE:
        return ""
    picture = Image.fromarray(numpy.clip(gap * 3, 0, 255).astype("uint8")).resize(taken.size, Image.NEAREST)
    picture.save(OUT / f"{name}-difference.png")
    return f"{name} differs by {mean:.1f} in the mean, clearly in {clear:.1%} of the blocks: see {OUT / name}*.png"
