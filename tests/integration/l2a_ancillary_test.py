#!/usr/bin/python3
"""L2A told more than the scene shows: aerosol of a CAMS file, ground known from a prior."""
import datetime
import json
import pathlib
import unittest

import numpy as np
from osgeo import gdal
from scipy.io import netcdf_file

from installation import TestCase, arpent

gdal.UseExceptions()
MIXTURE = {"aod550": 0.52, "duaod550": 0.34, "ssaod550": 0.03, "omaod550": 0.08, "bcaod550": 0.01, "suaod550": 0.06}


def write_cams(path, mixture, first, hours=3, times=8, forecast=False):
    """A global file as CAMS delivers it (packed 16-bit numbers, latitudes from the north), by scipy: not by GDAL's writer."""
    with netcdf_file(path, "w") as file:
        latitudes, longitudes = np.arange(90, -90.1, -3.0), np.arange(0, 360, 3.0)
        if forecast:
            file.createDimension("forecast_period", times)
            file.createDimension("forecast_reference_time", 1)
            period = file.createVariable("forecast_period", "f8", ("forecast_period",))
            period.units, period[:] = "hours", hours * np.arange(times)
            reference = file.createVariable("forecast_reference_time", "f8", ("forecast_reference_time",))
            reference.units = "seconds since 1970-01-01"
            reference[:] = [(first - datetime.datetime(1970, 1, 1)).total_seconds()]
            dimensions = ("forecast_period", "forecast_reference_time", "latitude", "longitude")
        else:
            file.createDimension("time", times)
            time = file.createVariable("time", "i4", ("time",))
            time.units = "hours since 1900-01-01 00:00:00.0"
            time[:] = (first - datetime.datetime(1900, 1, 1)).total_seconds() // 3600 + hours * np.arange(times)
            dimensions = ("time", "latitude", "longitude")
        for name, values in (("latitude", latitudes), ("longitude", longitudes)):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f4", (name,))
            axis.units, axis[:] = "degrees_north" if name == "latitude" else "degrees_east", values
        for name, value in mixture.items():
            variable = file.createVariable(name, "i2", dimensions)
            variable.scale_factor, variable.add_offset = 1e-4, 1.0
            variable._FillValue = np.int16(-32767)
            shape = (times, 1) if forecast else (times,)
            variable[:] = np.full(shape + (len(latitudes), len(longitudes)), round((value - 1.0) / 1e-4), np.int16)


class Ancillary(TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.folder)
        arpent("simulate", "site", "-o", self.folder / "site", "--size", 240, "--dates", 3, "--clouds", 0.1, "--no-truth", "--seed", 11)
        self.scenes = sorted((self.folder / "site/l1c").glob("*.SAFE"))
        stamp = self.scenes[0].name.split("_")[2]
        self.day = datetime.datetime.strptime(stamp[:8], "%Y%m%d")

    def l2a(self, scene, name, *options):
        """The item and the digests of all pixels."""
        arpent("l2a", scene, "-o", self.folder / name, "--quiet", *options)
        (path,) = (self.folder / name).glob(f"l2a/*/*/{scene.name[:3]}*{scene.name.split('_')[2]}*/item.json")
        item = json.loads(path.read_text())
        pixels = {name: asset["arpent:pixel_digest"] for name, asset in item["assets"].items() if "arpent:pixel_digest" in asset}
        return item["properties"], pixels

    def refused(self, *words):
        """What the program says as it refuses."""
        ended = arpent(*words, check=False)
        self.assertIn(ended.returncode, (1, 2), ended.stdout + ended.stderr)
        return ended.stderr

    def test_cams_names_the_aerosol(self):
        scene, cams = self.scenes[0], self.folder / "cams.nc"
        plain, before = self.l2a(scene, "plain")
        write_cams(cams, MIXTURE, self.day)
        dusty, after = self.l2a(scene, "dusty", "--cams", cams, "--aerosol", "cams")
        self.assertEqual((plain["arpent:aerosol_model"], dusty["arpent:aerosol_model"]), ("continental", "desert"))
        self.assertIn("aerosol: desert, by CAMS (cams.nc): dust 0.340, sea salt 0.030", json.dumps(dusty))
        self.assertNotEqual(before["B02"], after["B02"])
        # The file alone: a scene that tells its AOT keeps its model, and its AOT but for where that is vague.
        told, _ = self.l2a(scene, "told", "--cams", cams)
        self.assertEqual(told["arpent:aerosol_model"], "continental")
        self.assertNotIn("of CAMS", json.dumps(told))
        self.assertLess(abs(told["arpent:aot_mean"] - plain["arpent:aot_mean"]), 0.05)
        self.assertNotEqual(told["arpent:key"], plain["arpent:key"])
        # As the forecast has it: the same.
        forecast = self.folder / "forecast.nc"
        write_cams(forecast, MIXTURE, self.day, forecast=True)
        self.assertEqual(self.l2a(scene, "forecast", "--cams", forecast, "--aerosol", "cams")[1], after)

        program = ["l2a", scene, "-o", self.folder / "bad", "--aerosol", "cams"]
        self.assertIn("needs an input of role 'cams'", self.refused(*program))
        write_cams(cams, {k: v for k, v in MIXTURE.items() if k != "ssaod550"}, self.day)
        self.assertRegex(self.refused(*program, "--cams", cams), r"cams\.nc: variable ssaod550 is missing")
        write_cams(cams, MIXTURE, self.day - datetime.timedelta(days=30))
        self.assertRegex(self.refused(*program, "--cams", cams), r"cams\.nc: nothing near .*; the file has 8 times from")
        self.assertIn("nowhere.nc", self.refused(*program, "--cams", self.folder / "nowhere.nc"))

    def test_a_prior_is_an_input_and_no_chain(self):
        plain = [self.l2a(scene, "plain") for scene in self.scenes]
        prior = self.folder / "prior.tif"
        made = arpent("prior", *sorted((self.folder / "plain/l2a").glob("*/*/*")), "-o", prior).stdout
        self.assertIn("ground known under", made)
        file = gdal.Open(str(prior))
        self.assertEqual([file.GetRasterBand(b).GetDescription() for b in (1, 2)], ["B02", "B04"])
        forwards = [self.l2a(scene, "forwards", "--prior", prior) for scene in self.scenes]
        backwards = [self.l2a(scene, "backwards", "--prior", prior) for scene in reversed(self.scenes)]
        for one, other, without in zip(forwards, reversed(backwards), plain):
            self.assertEqual(one, other)
            self.assertNotEqual(one[0]["arpent:key"], without[0]["arpent:key"])
            self.assertIn("prior: ground known under", json.dumps(one[0]))
        # The same products, the same prior, to the byte.
        again = self.folder / "again.tif"
        arpent("prior", *sorted((self.folder / "plain/l2a").glob("*/*/*")), "-o", again)
        self.assertEqual(prior.read_bytes(), again.read_bytes())

        other = self.folder / "other.tif"
        gdal.Translate(str(other), str(prior), bandList=[1])
        self.assertRegex(self.refused("l2a", self.scenes[0], "-o", self.folder / "bad", "--prior", other), r"no band is described as B04; there are: B02")


if __name__ == "__main__":
    unittest.main()
