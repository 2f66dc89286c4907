"""Run an installer and print what it does: `install_packages.py WHAT -- COMMAND [ARGUMENT]...`.

The Makefile installs pip's and uv's packages by it. It runs before any package is installed, so it
imports only the standard library. In a terminal, one line counts the seconds; elsewhere, a line is
printed every 10 seconds. The installer's output is shown if it fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time

EVERY_SECONDS = 10.0
_COUNT = re.compile(r"^(Audited|Checked|Resolved|Prepared|Installed) (\d+) packages?", re.MULTILINE)


class Output:
    """The output of the installer so far, which a thread reads."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._lines_of = process.stdout or ()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        self.lines.extend(self._lines_of)

    @property
    def text(self) -> str:
        """All lines so far."""
        return "".join(self.lines)

    def wait(self) -> None:
        """Wait for the end of the output."""
        self._thread.join()

    @property
    def state(self) -> str:
        """The last thing that uv has reported, such as `212 packages found`."""
        words = {"Resolved": "found", "Prepared": "downloaded", "Installed": "installed"}
        words |= dict.fromkeys(("Audited", "Checked"), "present")
        counts = _COUNT.findall(self.text)
        return f": {counts[-1][1]} packages {words[counts[-1][0]]}" if counts else ""


def run(title: str, command: list[str], every: float = EVERY_SECONDS) -> int:
    """Run the installer, print its progress on stdout, and return its exit status."""
    started, in_terminal = time.monotonic(), sys.stdout.isatty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = Output(process)

        def line(mark: str) -> str:
            return f"{mark} {title}{output.state} ({time.monotonic() - started:.0f} s)"

        show(line("…"), in_terminal)
        while process.poll() is None:
            try:
                process.wait(1.0 if in_terminal else every)
            except subprocess.TimeoutExpired:
                show(line("…"), in_terminal)
        output.wait()
    show(line("✗" if process.returncode else "✓"), in_terminal)
    if in_terminal:
        print()  # noqa: T201
    if process.returncode:
        sys.stderr.write(output.text)
    return process.returncode


def show(line: str, in_terminal: bool) -> None:
    """Print a line; in a terminal, in place of the last one."""
    print(f"\r\x1b[K{line}" if in_terminal else line, end="" if in_terminal else "\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    at = sys.argv.index("--")
    try:
        sys.exit(run(" ".join(sys.argv[1:at]), sys.argv[at + 1 :]))
    except KeyboardInterrupt:
        sys.exit(130)
