"""What the user sees while it runs: finished checks line by line and, on a terminal, one live line below them."""
import os
import shutil
import sys
import threading
import time

HEARTBEAT_SECONDS = 30  # between signs of life where there is no terminal


def duration(seconds):
    """Seconds as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Screen:
    """Thread-safe. `live` shows what is going on now; `line` prints something that stays."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.is_terminal = out.isatty()
        self.colours = self.is_terminal and "NO_COLOR" not in os.environ
        self.started = time.monotonic()
        self.lock = threading.Lock()
        self.current = {}
        self.beginning = ""
        self.closed = threading.Event()
        self.ticker = threading.Thread(target=self.tick, daemon=True)
        self.ticker.start()

    def tick(self):
        """Redraws the live line, so that its clock runs; without a terminal, prints it now and then."""
        while not self.closed.wait(1.0 if self.is_terminal else HEARTBEAT_SECONDS):
            with self.lock:
                if self.is_terminal:
                    self.draw()
                elif self.current:
                    print(self.summary(), file=self.out, flush=True)

    def summary(self):
        parts = [text for text in (self.beginning, *self.current.values()) if text]
        return f"{duration(time.monotonic() - self.started)}  " + " | ".join(parts)

    def draw(self):
        width = shutil.get_terminal_size().columns - 1
        text = self.summary() if self.current else ""
        self.out.write("\r\x1b[K" + text[:width])
        self.out.flush()

    def head(self, text):
        """What every live line begins with: how far the whole has come."""
        with self.lock:
            self.beginning = text

    def live(self, key, text):
        """Shows `text` for the activity `key` until it is cleared by an empty text."""
        with self.lock:
            if text:
                self.current[key] = text
            else:
                self.current.pop(key, None)
            if self.is_terminal:
                self.draw()

    def line(self, text=""):
        """Prints a line (or several) that stays."""
        with self.lock:
            if self.is_terminal:
                self.out.write("\r\x1b[K")
            print(text, file=self.out, flush=True)
            if self.is_terminal:
                self.draw()

    def paint(self, text, status):
        """The text in the colour of a status, on a terminal that wants colours."""
        code = {"pass": "32", "fail": "31", "incomplete": "33"}.get(status)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code else text

    def close(self):
        self.closed.set()
        with self.lock:
            self.current.clear()
            if self.is_terminal:
                self.out.write("\r\x1b[K")
                self.out.flush()
