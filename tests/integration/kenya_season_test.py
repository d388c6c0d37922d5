#!/usr/bin/python3
"""A real season: 78 dates of western Kenya, pushed up to top of atmosphere, go through L2A and monthly composites."""
import pathlib
import subprocess
import unittest

from installation import SHARED, TestCase, broken_products, cells, ledger_adds_up, need_shared, published_items, run_local

DATES = 78
SITE = """
name: kenya
area: "tiles:36MXE"
inputs: [{{uri: "{scenes}", kind: sentinel2-l1c}}]
seasons: [{{name: "2017", start: 2016-11-01, end: 2018-05-31, products: [composite]}}]
l2a: {{cloud_limit: 0.98}}
"""


class KenyaSeason(TestCase):
    def test_all_dates_become_l2a_and_monthly_composites(self):
        season = need_shared("s2_l2a_kenya_78dates")
        maker = SHARED.parent / "tools" / "to_safe.py"
        if not maker.exists():
            self.skipTest(f"{maker} is absent")
        scenes = self.folder / "l1c"
        subprocess.run(["/usr/bin/python3", str(maker), "--set", str(season), "--from-sr", "--out", str(scenes)], check=True,
                       stdout=subprocess.DEVNULL)
        self.assertEqual(len(list(scenes.glob("*.SAFE"))), DATES)
        site = self.folder / "site.yaml"
        site.write_text(SITE.format(scenes=scenes))
        result = run_local(site, self.folder / "root")
        self.assertTrue(ledger_adds_up(result["run"]))
        l2a = [cell for cell in result["cells"] if cell["stage"] == "l2a"]
        self.assertEqual(len(l2a), DATES)
        done = cells(result, stage="l2a", outcome="CELL_OUTCOME_DONE")
        skipped = cells(result, stage="l2a", outcome="CELL_OUTCOME_SKIPPED")
        self.assertEqual(len(done) + len(skipped), DATES)
        self.assertGreater(len(done), 50)  # about 50 dates are clear, the rest shows every kind of cloud
        output = self.folder / "root" / "output"
        self.assertEqual(broken_products(output), [])
        composites = [path for path in published_items(output) if path.startswith("composite/")]
        self.assertEqual(len(composites), 19)
        print(f"{len(done)} dates done, {len(skipped)} skipped as cloudy, {len(composites)} composites")


if __name__ == "__main__":
    unittest.main()
