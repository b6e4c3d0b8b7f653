#!/usr/bin/env python3
"""Watches runs with `dmsim watch` in a terminal of its own: presses keys and reads the screen as a person would.

    python3 tests/terminal/watch.py DMSIM

Ends with "N passed, N failed". Needs the package of requirements.txt.
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import outcome  # noqa: E402  (it lies beside this folder)

SCENARIO = ROOT / "scenarios" / "calm.yaml"
# How long anything may take to show.
PATIENCE_S = 30.0


class Watch:
    """A run that is watched, and what its screen shows."""

    def __init__(self, program, *arguments, size=(40, 120), ignored=()):
        self.screen = pyte.Screen(size[1], size[0])
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave

        def alone():
            # What is ignored stays so in the program.
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        self.process = subprocess.Popen([program, "watch", SCENARIO, *arguments], stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True, cwd=ROOT, preexec_fn=alone)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self):
        """Takes the terminal away."""
        for end in (self.master, self.slave):
            if end is not None:
                os.close(end)
        self.master = self.slave = None

    def read(self, seconds=0.05):
        """Takes what the program has written, for so long at least."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                written = os.read(self.master, 65536)
                self.written += written
                self.stream.feed(written)

    def is_alternate(self):
        """Whether the program is on the screen that leaves the other one as it was."""
        return self.written.rfind(b"\x1b[?1049h") > self.written.rfind(b"\x1b[?1049l")

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, what):
        """Waits until the screen shows something that a pattern finds; returns what it found."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.read()
            if found := re.search(what, self.text()):
                return found
        raise AssertionError(f"{what!r} does not show:\n{self.text()}")

    def press(self, keys):
        os.write(self.master, keys.encode())
        self.read(0.3)

    def time_s(self):
        hours, minutes, seconds = map(int, re.search(r"(\d+):(\d\d):(\d\d) of", self.text()).groups())
        return hours * 3600 + minutes * 60 + seconds

    def ended(self):
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        self.read(0.2)
        assert self.process.poll() is not None, f"it does not end:\n{self.text()}"
        return self.process.returncode


def it_holds_steps_and_goes_on(program):
    with Watch(program, "--paused") as watch:
        watch.until("paused")
        assert watch.time_s() == 0
        watch.read(0.5)
        assert watch.time_s() == 0, "it does not hold"
        watch.press("m")
        watch.until(r"0:0[1-9]:\d\d of")
        assert 60 <= watch.time_s() < 120, watch.time_s()
        watch.until("paused")
        before = watch.text()
        watch.press("\x1b[C")
        watch.until("paused")
        assert watch.text() != before, "a step shows nothing new"
        watch.press(" ")
        watch.until("playing")
        moment = watch.time_s()
        watch.read(1.0)
        assert watch.time_s() > moment, "it does not go on"
        watch.press("f")
        watch.until("as fast as it can")
        watch.until("ended: q closes")
        for text in ("peers up", "deployments", "messages", "completed", "what happens"):
            assert text in watch.text(), f"{text} is missing:\n{watch.text()}"
        watch.press("q")
        assert watch.ended() == 0
        assert "digest" in watch.text(), watch.text()


def a_key_or_an_interrupt_stops_it_and_gives_the_terminal_back(program):
    for key in ("q", "\x03"):
        with Watch(program, "--speed", "1") as watch:
            watch.until("playing")
            watch.press(key)
            assert watch.ended() == 130
            assert termios.tcgetattr(watch.slave) == watch.before, "the terminal is not as it was"
            assert "stopped before the end" in watch.text(), watch.text()


def a_signal_stops_it_and_gives_the_terminal_back(program):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        for arguments, word in ((("--speed", "1"), "playing"), (("--paused",), "paused")):
            with Watch(program, *arguments) as watch:
                watch.until(word)
                watch.process.send_signal(number)
                assert watch.ended() == 130, number
                assert termios.tcgetattr(watch.slave) == watch.before, "the terminal is not as it was"
                assert not watch.screen.cursor.hidden and not watch.is_alternate(), "the screen is not as it was"
                assert "stopped before the end" in watch.text(), watch.text()


def without_its_terminal_it_ends(program):
    """Also where nobody is told by a signal, and whether it waits for keys or not."""
    for arguments, word in ((("--speed", "1"), "playing"), (("--paused",), "paused")):
        for ignored in ((signal.SIGHUP,), ()):
            with Watch(program, *arguments, ignored=ignored) as watch:
                watch.until(word)
                watch.hang_up()
                assert watch.process.wait(10) == 130, (arguments, ignored)


def what_was_stopped_has_no_verdicts(program):
    with Watch(program, "--speed", "1") as watch:
        watch.until("playing")
        watch.press("q")
        assert watch.ended() == 130
        assert "FAILED" not in watch.text() and "ok " not in watch.text(), watch.text()


def speeds_can_be_changed(program):
    with Watch(program, "--speed", "64") as watch:
        watch.until("64x")
        watch.press("+")
        watch.until("128x")
        watch.press("--")
        watch.until("32x")
        watch.press("q")
        watch.ended()


def a_window_of_another_size_is_filled(program):
    with Watch(program, "--paused", size=(30, 70)) as watch:
        watch.until("paused")
        watch.screen.resize(24, 100)
        fcntl.ioctl(watch.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        watch.process.send_signal(signal.SIGWINCH)
        watch.until("q stop")
        watch.press("q")
        watch.ended()


def without_a_terminal_it_says_so(program):
    done = subprocess.run([program, "watch", SCENARIO], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and "no terminal" in done.stderr, done


def bad_input_is_told_before_the_screen_changes(program):
    for arguments in (["--set", "network.loss=200%"], ["--speed", "never"]):
        with Watch(program, *arguments) as watch:
            assert watch.ended() == 2
            assert "error" in watch.text(), watch.text()


TESTS = [
    it_holds_steps_and_goes_on,
    a_key_or_an_interrupt_stops_it_and_gives_the_terminal_back,
    a_signal_stops_it_and_gives_the_terminal_back,
    without_its_terminal_it_ends,
    what_was_stopped_has_no_verdicts,
    speeds_can_be_changed,
    a_window_of_another_size_is_filled,
    without_a_terminal_it_says_so,
    bad_input_is_told_before_the_screen_changes,
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    return outcome.run(TESTS, sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
