#!/usr/bin/python3
"""Disks that fill up: the coordinator's state, the tile cache's blocks. Nothing that was acknowledged is
lost, every error says what to do, and with room again all goes on. Needs root, to mount small file systems."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from installation import FREE_METRICS_PORT, Service, TestCase, arpent  # noqa: E402

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


if __name__ == "__main__":
    unittest.main()
