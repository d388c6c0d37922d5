#!/usr/bin/python3
"""Landsat through the whole chain: real Collection 1 scenes, and Collection 2 products beside Sentinel-2 across a UTM border."""
import pathlib
import shutil
import subprocess
import unittest

import numpy as np
from osgeo import gdal

from installation import SOURCE, TestCase, arpent, broken_products, cells, ledger_adds_up, need_shared, published_items, run_local

gdal.UseExceptions()
NO_DATA = -9999
REAL_SITE = """
name: real
area: "tiles:{tile}"
inputs: [{{uri: "{scenes}", kind: landsat-l1}}]
seasons: [{{name: "{year}", start: {year}-07-01, end: {year}-08-31, products: [composite]}}]
"""
MIXED_SITE = """
name: mixed
area: "tiles:33UXP"
inputs: [{uri: l1c, kind: sentinel2-l1c}, {uri: landsat, kind: landsat-l1}]
auxiliary: {dem: dem.tif}
seasons: [{name: "2021", start: 2021-05-01, end: 2021-07-31, products: [composite]}]
"""


def read(path):
    return gdal.Open(str(path)).ReadAsArray()


def value_at(path, epsg_east_north):
    """The pixel under a place given in the raster's own coordinates."""
    raster = gdal.Open(str(path))
    west, size, _, north, _, _ = raster.GetGeoTransform()
    return raster.ReadAsArray(int((epsg_east_north[0] - west) / size), int((north - epsg_east_north[1]) / size), 1, 1)[0, 0]


class Landsat(TestCase):
    def run_real(self, data, year, tile, exit_code):
        scenes = self.folder / f"scenes-{year}"
        shutil.copytree(need_shared(data), scenes)
        site = self.folder / f"site-{year}.yaml"
        site.write_text(REAL_SITE.format(tile=tile, scenes=scenes, year=year))
        root = self.folder / f"root-{year}"
        result = run_local(site, root, expect=exit_code)
        self.assertTrue(ledger_adds_up(result["run"]))
        self.assertEqual(broken_products(root / "output"), [])
        return result, root / "output"

    def test_a_decimated_real_scene_becomes_a_composite(self):
        """900 m pixels, 26.7 % cloud by its metadata, a rotated swath: as it lies there, MTL of the whole scene."""
        result, output = self.run_real("landsat8_l1_scene_900m", 2017, "17SNS", 0)
        items = published_items(output)
        l2a = next(path for path in items if path.startswith("l2a/016037/"))
        folder = (output / l2a).parent
        self.assertEqual(gdal.Open(str(folder / "B4.tif")).GetGeoTransform()[1], 900)
        self.assertTrue(any("decimated" in note for note in items[l2a]["properties"]["arpent:notes"]))
        self.assertTrue(10 < items[l2a]["properties"]["eo:cloud_cover"] < 45, items[l2a]["properties"]["eo:cloud_cover"])
        # What BQA calls fill has no reflectance, also where the band holds numbers.
        source = next((self.folder / "scenes-2017").glob("*/*_BQA.TIF"))
        fill = (read(source) & 1) > 0
        self.assertTrue((read(folder / "B4.tif")[fill] == NO_DATA).all())
        self.assertGreater((read(folder / "B4.tif") != NO_DATA).mean(), 0.6)
        # Air is taken off: dark water loses most of its blue, land keeps its infrared.
        blue, infrared, scl = (read(folder / f"{name}.tif") for name in ("B2", "B5", "SCL"))
        self.assertLess(np.median(blue[scl == 6]), 800)
        self.assertGreater(np.median(infrared[scl == 4]), 2000)
        self.assertEqual(len(cells(result, stage="align", outcome="CELL_OUTCOME_DONE")), 1)
        composite = next(path for path in items if path.startswith("composite/17SNS/2017-08"))
        aligned = next(path for path in items if path.startswith("align/17SNS/"))
        there = read((output / composite).parent / "B04.tif") != NO_DATA
        self.assertGreater(there.mean(), 0.3)
        place = (550000, 3650000)
        self.assertEqual(value_at((output / aligned).parent / "SCL.tif", place), value_at(folder / "SCL.tif", place))

    def test_a_cut_real_scene_and_one_of_another_satellite(self):
        """41 x 41 pixels of 30 m; the Landsat 7 scene beside it cannot be read, and says so."""
        result, output = self.run_real("landsat_l1_marburg_30m", 2013, "32UMB", 3)
        refused = cells(result, stage="discover", outcome="CELL_OUTCOME_FAILED")
        self.assertEqual(len(refused), 1)
        self.assertIn("LANDSAT_7", str(refused[0]))
        items = published_items(output)
        aligned = next(path for path in items if path.startswith("align/32UMB/"))
        l2a = next(path for path in items if path.startswith("l2a/195025/"))
        place = (483900, 5627900)
        self.assertAlmostEqual(value_at((output / aligned).parent / "B08.tif", place),
                               value_at((output / l2a).parent / "B5.tif", place), delta=600)
        self.assertTrue(any(path.startswith("composite/32UMB/2013-07") for path in items))

    def test_two_sensors_make_one_composite_across_a_utm_border(self):
        arpent("simulate", "site", "-o", self.folder, "--size", "360", "--dates", "3", "--start", "2021-06-04", "--end", "2021-06-24",
               "--clouds", "0.02", "--relief", "150", "--seed", "8", "--threads", "2")
        tool = SOURCE / "tests" / "tools" / "landsat_product"
        safes = sorted((self.folder / "l1c").glob("*.SAFE"), key=lambda path: path.name.split("_")[2])
        # The first from the neighbouring zone as text, the last packed as it is delivered, with JSON.
        for safe, extra in ((safes[0], ["--epsg", "32634"]), (safes[-1], ["--json", "--tar", "tar", "--path-row", "190026"])):
            subprocess.run([str(tool), str(safe), str(self.folder / "landsat"), *extra], check=True, capture_output=True)
        shutil.rmtree(safes[0])  # that day is Landsat's alone
        site = self.folder / "mixed.yaml"
        site.write_text(MIXED_SITE)
        root = self.folder / "root"
        result = run_local(site, root, expect=0)
        self.assertEqual(len(cells(result, stage="align", outcome="CELL_OUTCOME_DONE")), 2)
        output = root / "output"
        self.assertEqual(broken_products(output), [])
        items = published_items(output)
        composite = next(path for path in items if path.startswith("composite/33UXP/2021-06"))
        inputs = str(items[composite])
        self.assertIn("LC08_", inputs)
        self.assertIn("S2", inputs)
        self.check_aligned(output, items)
        self.check_composite((output / composite).parent)

    def check_aligned(self, output, items):
        """Landsat's red of the day that it saw alone, over the truth of that day, under open sky."""
        aligned = (output / next(path for path in items if path.startswith("align/33UXP/") and "_191026" in path)).parent
        day = aligned.name.split("_")[1][:8]
        truth = next((self.folder / "truth" / "33UXP").glob(f"S2*_{day}*"))
        raster, true = gdal.Open(str(aligned / "B04.tif")), gdal.Open(str(truth / "B04.tif"))
        found = gdal.Warp("", raster, format="MEM", outputBounds=self.bounds(true), xRes=10, yRes=10).ReadAsArray() * 1e-4
        open_sky = ((read(truth / "CLOUD.tif") == 0) & (read(truth / "SHADOW.tif") == 0)).repeat(2, 0).repeat(2, 1)
        seen = open_sky & (found > -0.9)
        self.assertGreater(seen.mean(), 0.7)
        # 30 m pixels see the 10 m ground smoothed: medians and spread are compared, not pixels at field borders.
        error = np.abs(found - true.ReadAsArray() * 1e-4)[seen]
        self.assertLess(np.median(error), 0.008)
        self.assertGreater(np.corrcoef(found[seen], (true.ReadAsArray() * 1e-4)[seen])[0, 1], 0.9)

    @staticmethod
    def bounds(raster):
        west, size, _, north, _, _ = raster.GetGeoTransform()
        return west, north - size * raster.RasterYSize, west + size * raster.RasterXSize, north

    def check_composite(self, composite):
        observations = read(composite / "OBS.tif")
        self.assertGreaterEqual(observations.max(), 3)  # dates of both sensors
        red = read(composite / "B04.tif")  # its corners are those of the turned Landsat scene
        height, width = red.shape
        self.assertGreater((red[height // 4:-height // 4, width // 4:-width // 4] != NO_DATA).mean(), 0.98)


if __name__ == "__main__":
    unittest.main()
