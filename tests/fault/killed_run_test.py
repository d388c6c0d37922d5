#!/usr/bin/python3
"""kill -9 at random points of a run: nothing half-written is ever visible, and the next run ends with the calm run's bytes."""
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from installation import BIN, TestCase, arpent, broken_products, checksums, ledger_adds_up, published_items, run_local  # noqa: E402

KILLS = 5
SEED = 20211


class KilledRun(TestCase):
    def test_every_instant_leaves_whole_products_or_nothing(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "360", "--parcel", "130", "--dates", "4", "--seed", "5",
               "--no-truth")
        site = self.folder / "site" / "site.yaml"
        started = time.monotonic()
        run_local(site, self.folder / "calm", extra=("--tasks-at-once", "2"))
        calm_seconds = time.monotonic() - started
        calm = checksums(self.folder / "calm" / "output")

        draws = random.Random(SEED)
        root = self.folder / "killed"
        for _ in range(KILLS):
            process = subprocess.Popen([str(BIN / "arpent"), "run", "start", "-f", str(site), "--local", "--root", str(root),
                                        "--tasks-at-once", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draws.uniform(0.05, 0.6) * calm_seconds)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assertEqual(broken_products(root / "output"), [])
        print(f"{len(published_items(root / 'output'))} products were there after {KILLS} kills (seed {SEED})")
        result = run_local(site, root)  # finishes what was interrupted, then finds everything there
        self.assertTrue(ledger_adds_up(result["run"]))
        self.assertEqual(checksums(root / "output"), calm)


if __name__ == "__main__":
    unittest.main()
