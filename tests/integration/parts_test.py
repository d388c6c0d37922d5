#!/usr/bin/python3
"""Products cut into parts that two workers share, one of which is killed among them: the bytes of the all-in-one that cuts nothing."""
import json
import re
import time
import unittest

from installation import Installation, TestCase, arpent, broken_products, cells, checksums, ledger_adds_up, run_local

# Wider than one block of a part (1024 pixels); surface reflectance, so that the time goes to what is cut.
SITE = ["--size", "1140", "--dates", "3", "--seed", "11", "--level", "l2a", "--no-truth"]
BEGINS = re.compile(r'task=(\w{64})#(\d+)|"task":"(\w{64})#(\d+)"')


class Parts(TestCase):
    def setUp(self):
        super().setUp()
        arpent("simulate", "site", "-o", self.folder / "site", *SITE)
        self.site = self.folder / "site" / "site.yaml"
        self.site.write_text(self.site.read_text().replace("products: [composite,", "products: [composite, vegetation,"))

    def cut_site(self):
        """The site with its inputs named as places of the store `input`, every product cut 2 x 2."""
        folder = self.site.parent
        text = re.sub(r'uri: "?l2a"?', f'uri: "input:{folder}/l2a"', self.site.read_text())
        text = re.sub(r'file: "?(?!input:)([\w.]+)"?', rf'file: "input:{folder}/\1"', text)
        target = folder / "cut.yaml"
        target.write_text(text + "\nlimits: {parts: 2}\n")
        return target

    @staticmethod
    def parts_of(worker):
        """(key, part) of every part that the worker began."""
        found = BEGINS.findall(worker.log.read_text(errors="replace")) if worker.log.exists() else []
        return {(a or c, int(b or d)) for a, b, c, d in found}

    def wait_for_part(self, worker):
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            if self.parts_of(worker):
                return
            time.sleep(0.02)
        self.fail("the worker began no part")

    def test_a_killed_worker_loses_a_part_and_nothing_of_the_bytes(self):
        run_local(self.site, self.folder / "whole")
        whole = checksums(self.folder / "whole" / "output")
        with Installation(self.folder / "cluster") as installation:
            run_id = arpent("run", "start", "-f", self.cut_site(), "--detach", *installation.arguments()).stdout.strip()
            first, second = installation.workers
            self.wait_for_part(first)
            first.kill()
            first.start(wait=False)
            watched = arpent("--output", "json", "run", "watch", run_id, *installation.arguments(), check=False, timeout=900)
            self.assertEqual(watched.returncode, 0, watched.stdout[-4000:] + watched.stderr)
            result = json.loads(watched.stdout)
            self.assertTrue(ledger_adds_up(result["run"]))
            for stage in ("composite", "vegetation", "crop-mask", "crop-type"):
                made = cells(result, stage=stage, outcome="CELL_OUTCOME_DONE")
                self.assertTrue(made, stage)
                for cell in made:
                    self.assertEqual((cell["parts"], cell["parts_done"]), (4, 4), cell)
            shared = {key for key, _ in self.parts_of(first)} & {key for key, _ in self.parts_of(second)}
            self.assertTrue(shared, "no product was shared by the workers")
            self.assertFalse((installation.output / "work").exists(), "parts are left behind")
            self.assertEqual(broken_products(installation.output), [])
            self.assertEqual(checksums(installation.output), whole)


if __name__ == "__main__":
    unittest.main()
