#!/usr/bin/python3
"""Disks that fill up: the coordinator's state, the tile cache's blocks, a worker's scratch. Nothing that was acknowledged is
lost, every error says what to do, and with room again all goes on. Needs root, to mount small file systems."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from installation import FREE_METRICS_PORT, Installation, Service, TestCase, arpent, broken_products, checksums, run_local  # noqa: E402
from logs_test import SMALL_FOREST, log_lines  # noqa: E402
from services_test import cluster_site  # noqa: E402

SITE = """name: {name}
area: "bbox:14,45,16,47"
inputs: [{{uri: "input:/l1c"}}]
seasons: [{{name: "2021", start: 2021-05-01, end: 2021-06-30, products: [composite]}}]
"""


class SmallDisk:
    """A file system in memory of a few megabytes."""

    def __init__(self, folder, mebibytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(self.folder)], capture_output=True)
        if done.returncode != 0:
            print("SKIPPED: no file system can be mounted here (needs root)", file=sys.stderr)
            raise unittest.SkipTest("no file system can be mounted")

    def grow(self, mebibytes):
        subprocess.run(["mount", "-o", f"remount,size={mebibytes}m", str(self.folder)], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.folder)], check=False)


class FullDisk(TestCase):
    def test_a_full_state_loses_nothing_that_was_acknowledged(self):
        with SmallDisk(self.folder / "state", 1) as disk:
            coordinator = Service("arpent-coordinator", "--state", disk.folder / "state.db", "--listen", "127.0.0.1:0",
                                  *FREE_METRICS_PORT, log=self.folder / "coordinator.log").start()
            # Fill what is left but for a few pages, so that a few sites do it.
            (disk.folder / "ballast").write_bytes(bytes(700 << 10))
            acknowledged = []
            for number in range(200):
                file = self.folder / "site.yaml"
                file.write_text(SITE.format(name=f"site-{number}"))
                try:
                    done = arpent("site", "apply", "-f", file, "--server", coordinator.address, check=False, timeout=60)
                except subprocess.TimeoutExpired:
                    break
                if done.returncode != 0:
                    break
                acknowledged.append(f"site-{number}")
            self.assertTrue(acknowledged)
            self.assertLess(len(acknowledged), 200, "the disk was to be full")
            self.assertNotEqual(coordinator.process.wait(30), 0)
            self.assertIn("make room on its disk", coordinator.log.read_text())

            disk.grow(8)
            coordinator.start()
            listed = json.loads(arpent("--output", "json", "site", "list", "--server", coordinator.address).stdout)
            names = {site["name"] for site in listed["sites"]}
            self.assertLessEqual(set(acknowledged), names)
            self.assertLessEqual(len(names), len(acknowledged) + 1, "the last one may have been written and not answered")
            arpent("site", "apply", "-f", self.folder / "site.yaml", "--server", coordinator.address)
            coordinator.stop()

    def test_a_full_cache_disk_costs_time_only(self):
        objects = {f"object{i}": os.urandom(3 << 20) for i in range(6)}
        for name, content in objects.items():
            (self.folder / "store").mkdir(exist_ok=True)
            (self.folder / "store" / name).write_bytes(content)
        with SmallDisk(self.folder / "blocks", 8) as disk:
            cache = Service("arpent-tile-cache", "--store", f"input=file://{self.folder}/store", "--listen", "127.0.0.1:0", "--disk",
                            disk.folder, "--disk-size", "1gb", "--memory", "1mb", *FREE_METRICS_PORT,
                            log=self.folder / "cache.log").start()
            for turn in range(2):
                for name, content in objects.items():
                    target = self.folder / f"{name}.{turn}"
                    arpent("storage", "copy", f"input:/{name}", target, "--cache", cache.address)
                    self.assertEqual(hashlib.sha256(target.read_bytes()).digest(), hashlib.sha256(content).digest(), name)
            self.assertIsNone(cache.process.poll(), cache.log.read_text()[-2000:])
            cache.stop()

    def test_a_full_scratch_folder_fails_attempts_and_leaves_no_half_product(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "240", "--parcel", "120", "--dates", "2", "--seed", "7")
        site = cluster_site(self.folder / "site" / "site.yaml", SMALL_FOREST)
        run_local(site, self.folder / "calm")
        with Installation(self.folder / "cluster", workers=1) as installation:
            with SmallDisk(self.folder / "cluster" / "scratch1", 1) as disk:
                installation.workers.pop().stop()
                worker = installation.new_worker(1).start(wait=False)
                installation.workers.append(worker)
                run_id = arpent("run", "start", "-f", site, "--detach", *installation.arguments()).stdout.strip()
                failed = self.wait_for_failed_attempt(worker)
                self.assertIn("RESOURCE_EXHAUSTED", json.dumps(failed))
                self.assertEqual(broken_products(installation.output), [])
                disk.grow(500)
                arpent("run", "watch", run_id, *installation.arguments())
                self.assertEqual(checksums(installation.output), checksums(self.folder / "calm" / "output"))
                self.assertIsNone(worker.process.poll(), "the worker died of it")
                installation.stop()

    def wait_for_failed_attempt(self, worker):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for line in log_lines(worker):
                if line["message"] == "a task ended" and line["outcome"] != "done":
                    return line
            time.sleep(0.5)
        self.fail(f"no attempt failed:\n{worker.log.read_text()[-3000:]}")


if __name__ == "__main__":
    unittest.main()
