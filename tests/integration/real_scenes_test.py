#!/usr/bin/python3
"""The five real acquisitions of tile 33TVL go through the whole chain on the all-in-one."""
import pathlib
import unittest

import numpy as np
from osgeo import gdal

from installation import TestCase, cells, ledger_adds_up, need_shared, published_items, run_local, broken_products

gdal.UseExceptions()
CLOUDY = ("20150731", "20150820")  # overcast, and nearly all cloud
SITE = """
name: slovenia
area: "tiles:33TVL"
inputs: [{{uri: "{scenes}", kind: sentinel2-l1c}}]
seasons: [{{name: "2015", start: 2015-07-01, end: 2015-09-30, products: [composite, crop-mask, map]}}]
reference_map: {{file: "{land_cover}", crop_classes: [3]}}
"""


def read(path):
    return gdal.Open(str(path)).ReadAsArray()


class RealScenes(TestCase):
    def test_five_dates_give_composites_a_mask_and_a_map(self):
        scenes = need_shared("safe_l1c_slovenia_example")
        land_cover = need_shared("s2_l1c_slovenia_eolearn") / "lulc.tif"
        site = self.folder / "site.yaml"
        site.write_text(SITE.format(scenes=scenes, land_cover=land_cover))
        result = run_local(site, self.folder / "root", expect=0)
        self.assertTrue(ledger_adds_up(result["run"]))
        output = self.folder / "root" / "output"
        self.assertEqual(broken_products(output), [])
        items = published_items(output)
        done = cells(result, stage="l2a", outcome="CELL_OUTCOME_DONE")
        skipped = cells(result, stage="l2a", outcome="CELL_OUTCOME_SKIPPED")
        self.assertEqual(len(done) + len(skipped), 5)
        for cell in skipped:  # a scene past the cloud limit is skipped, and only for that
            self.assertTrue(any(date in cell["unit"] for date in CLOUDY), cell)
            self.assertEqual(cell["reason"].split("(")[0].strip().rstrip(":"), "cloudy")
        for stage in ("composite", "crop-mask", "map"):
            self.assertTrue(any(path.startswith(stage + "/") for path in items), f"no {stage} was published")
        self.check_clear_composite(output, items)

    def check_clear_composite(self, output, items):
        """August has one clear date (the 30th) and a cloudy one (the 20th): the cloud must not be seen."""
        clear = next(path for path in items if path.startswith("l2a/") and "20150830" in path)
        august = next(path for path in items if path.startswith("composite/") and "2015-08" in path)
        blue_clear = read((output / clear).parent / "B02.tif").astype(float)
        blue = read((output / august).parent / "B02.tif").astype(float)
        valid = (blue_clear != -9999) & (blue != -9999)
        self.assertGreater(valid.mean(), 0.95)
        brighter = (blue - blue_clear)[valid] > 300  # 0.03
        self.assertLess(brighter.mean(), 0.001)


if __name__ == "__main__":
    unittest.main()
