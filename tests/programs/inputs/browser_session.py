"""A browser without a window, in its sandbox: loads a page from a server of this session, which works in the page and in
workers and sends what came of it. The page counts as loaded once that has arrived.

Prints what the page has found, which depends on the page alone: chromium or firefox, and its program.
"""
import http.server
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import server

KIND, PROGRAM = sys.argv[1:]
PAGE = pathlib.Path(__file__).with_name("page.html")
ROUNDS = ("first", "second")  # the second finds the profile that the first has left


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives the page; gives its last picture, which it waits for, when the result is there."""

    results, arrived = [], threading.Event()
    sandboxed = False

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/":
            self.answer("text/html", PAGE.read_bytes())
        elif self.path.startswith("/loaded"):
            self.arrived.wait(server.WAIT_SECONDS)
            self.answer("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')
        else:
            self.send_error(404)

    def do_POST(self):
        Handler.sandboxed = Handler.sandboxed or any_sandboxed()
        self.results.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer("text/plain", b"")
        self.arrived.set()

    def log_message(self, *_):
        """Nothing: times and ports are no result."""


def any_sandboxed():
    """Whether a process of the browser may only make the calls to the system that a filter lets through."""
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            status = path.read_text(encoding="utf-8", errors="replace")
            command = path.with_name("cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            continue
        if "\nSeccomp:\t2\n" in status and pathlib.Path(command.split(" ")[0]).name.startswith(KIND):
            return True
    return False


def command_of(url):
    """The browser's command line; what it shows goes to its standard output or to a picture."""
    if KIND == "chromium":
        return [PROGRAM, "--headless", f"--user-data-dir={os.getcwd()}/profile", "--no-first-run", "--disable-gpu",
                "--dump-dom", url]
    os.makedirs("profile", exist_ok=True)
    return [PROGRAM, "--headless", "--no-remote", "--profile", f"{os.getcwd()}/profile", "--window-size", "800,600",
            "--screenshot", f"{os.getcwd()}/shown.png", url]


def browse(url):
    """Runs the browser to its end. \\return what it has written"""
    with tempfile.TemporaryFile() as said:
        browser = subprocess.Popen(command_of(url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        try:
            out, _ = browser.communicate()
        finally:
            browser.terminate()
        said.seek(0)
        if browser.returncode != 0:
            sys.exit(f"{PROGRAM} ended with {browser.returncode}: {said.read().decode(errors='replace')[-1000:]}")
        return out.decode(errors="replace")


def shown(out):
    """Whether the browser shows what the page has found."""
    if KIND == "chromium":
        return all(line in out for line in Handler.results[-1].splitlines())
    picture = pathlib.Path("shown.png")
    return picture.is_file() and picture.read_bytes().startswith(b"\x89PNG")


def main():
    server.end_by_exception()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        try:
            for name in ROUNDS:
                Handler.results.clear()
                Handler.arrived.clear()
                out = browse(f"http://127.0.0.1:{listener.server_address[1]}/")
                if not Handler.results:
                    sys.exit(f"the page in {PROGRAM} has sent no result")
                print(f"{name}: {len(Handler.results)} results\n{Handler.results[-1]}\nshown: {shown(out)}")
        finally:
            Handler.arrived.set()
            listener.shutdown()
    print("in a sandbox:", Handler.sandboxed)


if __name__ == "__main__":
    main()
