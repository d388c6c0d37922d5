#!/usr/bin/python3
"""Coordinator, tile cache, workers and CLI as separate processes give the bytes of the all-in-one, whoever dies."""
import json
import subprocess
import time
import unittest

from installation import BIN, Installation, TestCase, arpent, broken_products, cells, checksums, ledger_adds_up, metrics, run_local

SITE_OPTIONS = ["--size", "360", "--parcel", "130", "--dates", "6", "--seed", "7"]


def simulate(folder):
    arpent("simulate", "site", "-o", folder, *SITE_OPTIONS)
    return folder / "site.yaml"


def cluster_site(site_file, more=""):
    """The site file with its local inputs named as places of the store `input`, and more lines behind it."""
    text = site_file.read_text() + more
    folder = site_file.parent
    for name in ("l1c",):
        text = text.replace(f"uri: {name}", f'uri: "input:{folder}/{name}"').replace(f'uri: "{name}"', f'uri: "input:{folder}/{name}"')
    target = folder / "cluster.yaml"
    target.write_text(text)
    return target


class Services(TestCase):
    def setUp(self):
        super().setUp()
        self.site = simulate(self.folder / "site")
        run_local(self.site, self.folder / "calm")
        self.calm = checksums(self.folder / "calm" / "output")
        self.assertTrue(self.calm)

    def start_run(self, installation):
        process = arpent("run", "start", "-f", cluster_site(self.site), "--detach", *installation.arguments())
        return process.stdout.strip()

    def finish_run(self, installation, run_id):
        process = arpent("--output", "json", "run", "watch", run_id, *installation.arguments(), check=False)
        self.assertEqual(process.returncode, 0, process.stdout[-4000:] + process.stderr)
        result = json.loads(process.stdout)
        self.assertTrue(ledger_adds_up(result["run"]))
        self.assertEqual(broken_products(installation.output), [])
        self.assertEqual(checksums(installation.output), self.calm)
        return result

    def wait_until_running(self, installation, run_id, stage):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            process = arpent("--output", "json", "run", "list", *installation.arguments())
            run = next(run for run in json.loads(process.stdout)["runs"] if run["run_id"] == run_id)
            counts = {s["stage"]: s for s in run["stages"]}.get(stage)
            if counts and int(counts["running"]) > 0:
                return
            time.sleep(0.05)
        self.fail(f"no task of {stage} ran")

    def test_same_bytes_as_the_all_in_one(self):
        with Installation(self.folder / "cluster") as installation:
            self.finish_run(installation, self.start_run(installation))

    def test_a_killed_worker_loses_nothing(self):
        with Installation(self.folder / "cluster") as installation:
            run_id = self.start_run(installation)
            self.wait_until_running(installation, run_id, "l2a")
            installation.workers[0].kill()
            installation.workers[0].start(wait=False)
            self.finish_run(installation, run_id)

    def test_a_killed_coordinator_goes_on_where_it_was(self):
        with Installation(self.folder / "cluster") as installation:
            run_id = self.start_run(installation)
            self.wait_until_running(installation, run_id, "l2a")
            installation.coordinator.kill()
            installation.coordinator.start()
            self.finish_run(installation, run_id)


if __name__ == "__main__":
    unittest.main()
