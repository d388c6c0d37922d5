"""An installation for tests: the real binaries on free ports, in temporary folders.

Programs come from ARPENT_BIN (ctest sets it), tables from ARPENT_TABLES.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BIN = pathlib.Path(os.environ.get("ARPENT_BIN", "build/bin"))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("ARPENT_SHARED_DATA", SOURCE.parent / "shared" / "data"))
START_SECONDS = 30
FREE_METRICS_PORT = ("--metrics-listen", "127.0.0.1:0")
METRICS_AT = re.compile(r'"serving metrics","address":"([^"]+)"')
LISTENING = re.compile(r"listening on (\S+:\d+)")


def need_shared(name):
    """The path of a shared data set; skips the test, loudly, when it is absent."""
    path = SHARED / name
    if not path.exists():
        print(f"SKIPPED: the shared data set {name} is absent; set ARPENT_SHARED_DATA", file=sys.stderr)
        raise unittest.SkipTest(f"shared data set {name} is absent")
    return path


def arpent(*arguments, check=True, timeout=600, env=None):
    """Runs the CLI; returns the finished process with text output."""
    process = subprocess.run([str(BIN / "arpent"), *map(str, arguments)], capture_output=True, text=True,
                             timeout=timeout, env={**os.environ, **(env or {})})
    if check and process.returncode != 0:
        raise AssertionError(f"arpent {' '.join(map(str, arguments))} ended with {process.returncode}\n"
                             f"{process.stdout}\n{process.stderr}")
    return process


def run_local(site_file, root, expect=0, extra=()):
    """A whole run on the all-in-one; returns {"run": ..., "cells": [...]}."""
    process = arpent("--output", "json", "run", "start", "-f", site_file, "--local", "--root", root, *extra, check=False)
    if process.returncode != expect:
        raise AssertionError(f"exit code {process.returncode} instead of {expect}\n{process.stdout[-6000:]}\n"
                             f"{process.stderr[-4000:]}")
    return json.loads(process.stdout)


def cells(result, **wanted):
    """The cells whose fields equal `wanted`."""
    return [cell for cell in result["cells"] if all(cell[name] == value for name, value in wanted.items())]


def ledger_adds_up(run):
    """Whether the counts of every stage sum to what was expected."""
    parts = ("waiting", "ready", "running", "done", "skipped", "failed", "missing_input", "cancelled")
    return all(int(stage["expected"]) == sum(int(stage[part]) for part in parts) for stage in run["stages"])


def published_items(output):
    """{path of the item below the store: item} of every published product."""
    output = pathlib.Path(output)
    return {str(path.relative_to(output)): json.loads(path.read_text()) for path in sorted(output.rglob("item.json"))}


def checksums(output):
    """{path: bytes digest} of everything immutable in product folders: what two runs must agree on."""
    import hashlib
    output = pathlib.Path(output)
    found = {}
    for item in output.rglob("item.json"):
        for file in item.parent.iterdir():
            if file.is_file() and file.name != "run.json":
                found[str(file.relative_to(output))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def broken_products(output):
    """Sentences about published products that are not whole: an asset missing, or of another size or digest."""
    import hashlib
    output, found = pathlib.Path(output), []
    for path, item in published_items(output).items():
        folder = (output / path).parent
        for name, asset in item["assets"].items():
            file = folder / asset["href"].removeprefix("./")
            if not file.is_file():
                found.append(f"{path}: {name} is missing")
                continue
            expected = asset.get("file:checksum", "")
            if expected and not expected.endswith(hashlib.sha256(file.read_bytes()).hexdigest()):
                found.append(f"{path}: the checksum of {name} is wrong")
    return found


class Service:
    """One process that prints "listening on ADDRESS" (and, with metrics, a second such line)."""

    def __init__(self, program, *arguments, log):
        self.command = [str(BIN / program), *map(str, arguments)]
        self.log = pathlib.Path(log)
        self.process = None

    def start(self, wait=True):
        self.offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT)
        if wait:
            self.address = self._wait_for_address()
        return self

    def _wait_for_address(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = LISTENING.search(self.log.read_text(errors="replace")[self.offset:])
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{self.command[0]} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def metrics_address(self):
        """Where it serves /metrics: what it logged."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = METRICS_AT.search(self.log.read_text(errors="replace")[self.offset:])
            if found:
                return found.group(1)
            time.sleep(0.05)
        raise AssertionError(f"{self.command[0]} serves no metrics")

    def kill(self):
        """kill -9: no chance to clean up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=60):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()


class Installation:
    """Coordinator, tile cache and workers as separate services over two folders."""

    def __init__(self, folder, workers=2):
        self.folder = pathlib.Path(folder)
        self.output = self.folder / "output"
        self.output.mkdir(parents=True, exist_ok=True)
        self.cache = Service("arpent-tile-cache", "--store", "input=file:///", "--store", f"output=file://{self.output}",
                             "--listen", "127.0.0.1:0", *FREE_METRICS_PORT, log=self.folder / "cache.log")
        self.cache.start()
        self.coordinator = self._coordinator("127.0.0.1:0").start()
        # A restarted coordinator must be found again where it was.
        self.coordinator.command = self._coordinator(self.coordinator.address).command
        self.workers = [self.new_worker(i).start(wait=False) for i in range(workers)]

    def _coordinator(self, address):
        return Service("arpent-coordinator", "--state", self.folder / "state.db", "--listen", address,
                       "--lease-duration", "6s", "--cache", self.cache.address, *FREE_METRICS_PORT, log=self.folder / "coordinator.log")

    def new_worker(self, index):
        return Service("arpent-worker", "--listen", "127.0.0.1:0", "--coordinator", self.coordinator.address, "--cache",
                       self.cache.address, "--scratch", self.folder / f"scratch{index}", "--slots", "1",
                       *FREE_METRICS_PORT, log=self.folder / f"worker{index}.log")

    def arguments(self):
        return ["--server", self.coordinator.address, "--cache", self.cache.address]

    def stop(self):
        for service in [*self.workers, self.coordinator, self.cache]:
            service.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class TestCase(unittest.TestCase):
    """A test with a folder of its own, kept when the test fails and ARPENT_KEEP is set."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="arpent-test-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self._folder.name)
        if os.environ.get("ARPENT_KEEP"):
            self._folder._finalizer.detach()
            print("keeping", self.folder)

    def tearDown(self):
        if not os.environ.get("ARPENT_KEEP"):
            self._folder.cleanup()


def metrics(address):
    """The text of http://ADDRESS/metrics."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return answer.read().decode()
