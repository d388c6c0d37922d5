#!/usr/bin/python3
"""A site that names an external L2A processor: run within its limits, its product published as ours, its failures typed."""
import json
import os
import shutil
import stat
import unittest

import numpy as np
from osgeo import gdal

from installation import SOURCE, TestCase, arpent, broken_products, cells, ledger_adds_up, need_shared, published_items, run_local

gdal.UseExceptions()
TOOL = str(SOURCE / "tests" / "tools" / "fake_processor")
DATE = "20150830"  # one of the clear dates
START = 300        # where fake_processor cuts
SITE = """
name: {name}
area: "tiles:33TVL"
inputs: [{{uri: "{scenes}", kind: sentinel2-l1c}}]
seasons: [{{name: "2015", start: 2015-08-01, end: 2015-08-31, products: [composite]}}]
l2a: {{processor: {name}}}
"""


def read(path):
    return gdal.Open(str(path)).ReadAsArray()


class Processors(TestCase):
    def setUp(self):
        super().setUp()
        self.data = need_shared("s2_whole_tile_decimated")
        self.scenes = self.folder / "scenes"
        source = next(need_shared("safe_l1c_slovenia_example").glob(f"*_{DATE}*.SAFE"))
        shutil.copytree(source, self.scenes / source.name)
        for path in (self.scenes, *self.scenes.rglob("*")):
            os.chmod(path, path.stat().st_mode | stat.S_IWUSR)
        self.config = self.folder / "processors.json"
        tail = ["{input}", "{output}", "--data", str(self.data)]
        self.config.write_text(json.dumps({
            "maja-fake": {"command": [TOOL, "maja", *tail, "--mode", "{mode}", "--history", "{history}"], "time_limit": "5m"},
            "sen2cor-fake": {"command": [TOOL, "sen2cor", *tail], "time_limit": "5m", "memory_mib": 4096},
            "mute": {"command": ["/bin/sh", "-c", "echo nothing to do"]},
        }))

    def run_site(self, name, expect):
        site = self.folder / f"{name}.yaml"
        site.write_text(SITE.format(name=name, scenes=self.scenes))
        root = self.folder / f"root-{name}"
        result = run_local(site, root, expect=expect, extra=("--processors", self.config))
        self.assertTrue(ledger_adds_up(result["run"]))
        return result, root / "output"

    def check_product(self, name):
        result, output = self.run_site(name, 0)
        self.assertEqual(len(cells(result, stage="l2a", outcome="CELL_OUTCOME_DONE")), 1)
        self.assertEqual(broken_products(output), [])
        items = published_items(output)
        l2a = next(path for path in items if path.startswith("l2a/33TVL/"))
        folder = (output / l2a).parent
        self.assertTrue(folder.name.startswith(f"S2A_{DATE}"))  # the scene's acquisition, whoever made the product
        self.assertEqual(items[l2a]["properties"]["arpent:processor"], name)
        real = self.data / "l2a_29RKH_20200219"
        for band, start in (("B02", START), ("B08", START), ("B11", START // 2), ("B8A", START // 2)):
            found = read(folder / f"{band}.tif")
            true = read(real / f"{band}.tif")[start:start + found.shape[0], start:start + found.shape[1]].astype(int)
            self.assertTrue((found[true > 0] == true[true > 0]).all(), band)
        scl, qa = read(folder / "SCL.tif"), read(folder / "QA.tif")
        self.assertEqual(((qa & 4) > 0).tolist(), np.isin(scl, (8, 9)).tolist())
        self.assertTrue(any(path.startswith("composite/33TVL/2015-08") for path in items))
        self.assertFalse(any((output / "work").rglob("*.xml")) if (output / "work").exists() else False)

    def test_maja_format(self):
        self.check_product("maja-fake")

    def test_sen2cor_format(self):
        self.check_product("sen2cor-fake")

    def test_an_unknown_name_is_named(self):
        # Alone there is nobody to wait for.
        site = self.folder / "unheard-of.yaml"
        site.write_text(SITE.format(name="unheard-of", scenes=self.scenes))
        refused = arpent("run", "start", "-f", site, "--local", "--root", self.folder / "alone", "--processors", self.config, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, "l2a.processor: 'unheard-of' is not known here; there are arpent, maja-fake, mute, sen2cor-fake")


if __name__ == "__main__":
    unittest.main()
