"""Simulated sites, what the all-in-one makes of them, and a client that has an installation make the same.

Programs come from ARPENT_BIN, tables from ARPENT_TABLES, as in tests/integration.
"""
import json
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from catalog_test import read_catalog  # noqa: E402
from installation import Service, arpent, broken_products, checksums, ledger_adds_up, run_local  # noqa: E402

SIZE = os.environ.get("ARPENT_TEST_SIZE", "960")
DATES = os.environ.get("ARPENT_TEST_DATES", "24")
OVER = ("RUN_STATE_SUCCEEDED", "RUN_STATE_DEGRADED", "RUN_STATE_CANCELLED")
STARTED = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


class Timed:
    """with Timed("install"): says how long it took."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        say(f"{self.what}: {'failed after ' if kind else ''}{time.monotonic() - self.begun:.1f} s")


class Site:
    """A site of its own bytes (`seed`), run by one program: its folder, site file and the products' checksums."""

    def __init__(self, folder, seed, dates=DATES):
        self.name = f"site-{seed}"
        self.folder = pathlib.Path(folder) / self.name
        self.scenes = self.folder / "l1c"
        arpent("simulate", "site", "-o", self.folder, "--name", self.name, "--seed", seed, "--size", SIZE, "--dates", dates,
               "--parcel", "130", "--no-truth")
        with (self.folder / "site.yaml").open("a") as file:
            file.write("train: {trees: 20}\n")  # a whole forest takes minutes of a busy machine and dies no other way
        with Timed(f"{self.name}: {dates} scenes of {SIZE} x {SIZE} pixels, one program"):
            run_local(self.folder / "site.yaml", self.folder / "alone")
        self.expected = checksums(self.folder / "alone" / "output")
        if not self.expected:
            raise AssertionError(f"{self.name}: the program alone made nothing")

    def site_file_for(self, place):
        """The site file with its scenes in a named store."""
        text, replaced = re.subn(r'uri: "?l1c"?', f'uri: "{place}"', (self.folder / "site.yaml").read_text())
        if replaced != 1:
            raise AssertionError(f"{self.name}: its site file does not name its scenes once")
        target = self.folder / "stores.yaml"
        target.write_text(text)
        return target


class Client:
    """The CLI against an installation. `arguments` and `environment` say where it is and who is calling."""

    def __init__(self, arguments, environment=None):
        self.arguments, self.environment = list(arguments), environment or {}

    def call(self, *arguments, check=True):
        return arpent(*arguments, *self.arguments, check=check, env=self.environment)

    def start(self, site):
        """Brings the scenes in and starts a run; returns its id."""
        place = f"input:/{site.name}/l1c"
        self.call("storage", "copy", site.scenes, place)
        return self.call("run", "start", "-f", site.site_file_for(place), "--detach").stdout.strip()

    def run(self, run_id):
        runs = json.loads(self.call("--output", "json", "run", "list").stdout)["runs"]
        return next(run for run in runs if run["run_id"] == run_id)

    def workers(self):
        return json.loads(self.call("--output", "json", "worker", "list").stdout).get("workers", [])

    def wait(self, run_id, what, holds, seconds=900):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = self.run(run_id)
            if holds(run):
                return run
            if run["state"] in OVER:
                raise AssertionError(f"{run_id} was over before {what}: the site is too small for this machine")
            time.sleep(0.5)
        raise AssertionError(f"{run_id}: {what} did not come in {seconds} s: {progress(self.run(run_id))}")

    def wait_for_progress(self, run_id, more=2):
        """Until `more` further cells are done: the installation works again."""
        begun = done(self.run(run_id))
        return self.wait(run_id, f"{more} more cells", lambda run: done(run) >= begun + more)

    def disturb(self, run_id, what, action):
        """Does `action` while the run is open, and says at what point of it."""
        run = self.run(run_id)
        if run["state"] in OVER:
            raise AssertionError(f"{run_id} was over before this could be done: {what}")
        begun = time.monotonic()
        action()
        say(f"  {what} ({time.monotonic() - begun:.1f} s), when {progress(run)}")

    def finish(self, run_id, site, folder):
        """Watches the run to its end and compares every byte with what one program made."""
        process = self.call("--output", "json", "run", "watch", run_id, check=False)
        if process.returncode != 0:
            raise AssertionError(f"{run_id} ended with {process.returncode}\n{process.stdout[-4000:]}\n{process.stderr[-2000:]}")
        result = json.loads(process.stdout)
        assert ledger_adds_up(result["run"]), "the ledger's counts do not sum to what was expected"
        target = pathlib.Path(folder) / "downloaded" / site.name
        current = self.wait_for_catalog(target)
        assert not broken_products(target), broken_products(target)
        found = checksums(target)
        different = sorted(path for path, digest in site.expected.items() if found.get(path) != digest)
        if different:
            raise AssertionError(f"{site.name}: {len(different)} of {len(site.expected)} files differ: {different[:5]}")
        say(f"  {run_id}: {len(site.expected)} files in {sum(p.endswith('item.json') for p in site.expected)} products are "
            f"the same as from one program; catalog.json leads to all {len(current)} that are current")

    def wait_for_catalog(self, target, seconds=60):
        """Copies the output store here until its catalogue shows what the coordinator calls current; returns those keys. The
        coordinator writes it through the tile cache, a moment after the run's end."""
        listed = json.loads(self.call("--output", "json", "product", "list").stdout)["products"]
        current = {product["key"] for product in listed}
        deadline = time.monotonic() + seconds
        while True:
            self.call("storage", "copy", "output:/", target)
            if (target / "catalog.json").is_file():
                try:
                    shown = {item["properties"]["arpent:key"] for item in read_catalog(target).values()}
                except AssertionError as dangling:  # a copy made while the coordinator writes: it listed before an item was there
                    shown = f"what is not there: {dangling}"
                if shown == current:
                    return current
            else:
                shown = "no catalog.json"
            if time.monotonic() > deadline:
                raise AssertionError(f"the catalogue shows {shown}, current are {current}")
            time.sleep(2)


def done(run):
    return sum(int(stage["done"]) for stage in run["stages"])


def progress(run):
    return f"{done(run)} of {sum(int(stage['expected']) for stage in run['stages'])} cells were done"
