"""JupyterLab as a student meets it: a real server, a real Chromium, and the few moves the tests need."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from execute import WIDGET_VIEW

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "course"
KERNEL_IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
CHROMIUM_FLAGS += ["--disable-background-networking", "--disable-component-update"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyter_lab(folder: Path, scratch: Path):
    """Serve ``folder`` in JupyterLab with fresh settings kept in ``scratch``; yields the address."""
    settings = scratch / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), encoding="utf-8")
    places = {
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
    }
    port = free_port()
    options = [f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"]
    options += ["--no-browser", "--ip=127.0.0.1", "--LabApp.expose_app_in_browser=True", "--allow-root"]
    with serving([sys.executable, "-m", "jupyterlab", *options], port, scratch / "lab.log", places) as address:
        yield address


@contextmanager
def serving(command: list[str], port: int, log: Path, environment: dict[str, str]):
    """Run a server until the block ends; wait until it answers."""
    with open(log, "w", encoding="utf-8") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
        try:
            # Not its first page: for that Voila would run the whole notebook once more.
            wait_for(f"http://127.0.0.1:{port}/favicon.ico", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=2).read(1)
            return
        except OSError as answer:
            if getattr(answer, "code", None):  # it answers, be it with "forbidden"
                return
            time.sleep(0.3)
    raise RuntimeError(f"no server at {address}:\n{log.read_text(encoding='utf-8')[-2000:]}")


class Notebook:
    """One notebook, open in the browser."""

    def __init__(self, page, address: str, name: str):
        self.page, self.name = page, name
        self.errors: list[str] = []
        page.set_default_timeout(120_000)  # an answer; the whole notebook has a longer one of its own
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.goto(f"{address}/lab/tree/{name}?token={TOKEN}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function(KERNEL_IDLE, timeout=60_000)

    def _note(self, message) -> None:
        if message.type == "error" and "favicon" not in message.text:
            self.errors.append(message.text)

    def run(self, cells: list[int], seconds: float = 1200) -> None:
        """Run the cells with these numbers, counted from 0, in their order."""
        script = """cells => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = cells.at(-1);
            notebook.widgets.forEach((cell, i) => cells.includes(i) ? notebook.select(cell) : notebook.deselect(cell));
            return window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
        self.page.evaluate(script, cells)
        self.page.wait_for_function(KERNEL_IDLE, timeout=1000 * seconds)
        self.wait()

    def wait(self) -> None:
        """Until the kernel is idle and what it sent has been drawn."""
        self.page.wait_for_function(KERNEL_IDLE)
        self.page.wait_for_timeout(60)

    def failed_cells(self) -> list[str]:
        """Error outputs, wherever they are: of cells, or of callbacks inside an Output widget."""
        script = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
            .flatMap(cell => cell.cell_type === 'code' ? cell.outputs : [])
            .filter(output => output.output_type === 'error').map(output => output.ename + ': ' + output.evalue)"""
        shown = self.page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts()
        return [*self.page.evaluate(script), *shown]

    def ran(self) -> list[int]:
        """The numbers of the cells that were run."""
        script = """() => [...window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells]
            .flatMap((cell, number) => cell.execution_count ? [number] : [])"""
        return self.page.evaluate(script)

    def with_widgets(self) -> list[int]:
        """The numbers of the cells whose output is a widget."""
        script = """view => [...window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells]
            .flatMap(({outputs}, number) => outputs?.some(({data}) => data && view in data) ? [number] : [])"""
        return self.page.evaluate(script, WIDGET_VIEW)

    def close(self) -> None:
        """Shut the kernel down, so that memory does not pile up from notebook to notebook."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
