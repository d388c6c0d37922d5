#!/usr/bin/python3
"""Bad inputs: everything else is finished, each is named with a cause, the ledger adds up, the exit code is 3."""
import json
import pathlib
import shutil
import unittest

from installation import TestCase, arpent, cells, ledger_adds_up, run_local, broken_products


def break_scenes(l1c):
    """Cuts a JPEG 2000 of the first scene, removes one of the second, adds what is no product; returns (cut, missing)."""
    first, second = sorted(l1c.glob("*.SAFE"))[:2]
    cut = next(first.rglob("*_B04.jp2"))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    missing = next(second.rglob("*_B08.jp2"))
    missing.unlink()
    bad = l1c / "error.SAFE"
    bad.mkdir()
    (bad / "readme.txt").write_text("not a product")
    return cut, missing


class Failures(TestCase):
    def setUp(self):
        super().setUp()
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "360", "--parcel", "130", "--dates", "6", "--seed", "3")
        self.site = self.folder / "site" / "site.yaml"
        self.l1c = self.folder / "site" / "l1c"

    def run_with_failures(self):
        """Runs the site to exit code 3; what the run says, and its failed cells."""
        result = run_local(self.site, self.folder / "root", expect=3)
        self.assertTrue(ledger_adds_up(result["run"]))
        failed = cells(result, outcome="CELL_OUTCOME_FAILED")
        self.assertTrue(failed)
        return result, failed

    def test_bad_scenes_are_named_and_the_rest_is_finished(self):
        cut, missing = break_scenes(self.l1c)
        result, failed = self.run_with_failures()
        by_code = {cell["error_code"]: cell for cell in failed}
        self.assertEqual(len(failed), 3, failed)
        messages = " ".join(cell["error_message"] for cell in failed)
        self.assertIn(cut.name, messages)
        self.assertIn("_B08.jp2", messages)
        self.assertIn(missing.relative_to(self.l1c).parts[0], messages)
        self.assertIn("error.SAFE", by_code["INVALID_ARGUMENT"]["unit"] + by_code["INVALID_ARGUMENT"]["error_message"])
        self.assertTrue(cells(result, stage="map", outcome="CELL_OUTCOME_DONE"), "the rest was not finished")
        self.assertEqual(broken_products(self.folder / "root" / "output"), [])
        shown = arpent("run", "list", "--local", "--root", self.folder / "root", check=False)
        self.assertIn(cut.name, shown.stdout)

    def test_a_missing_column_is_named(self):
        text = self.site.read_text().replace("code: CODE", "code: NO_SUCH_COLUMN")
        self.assertIn("NO_SUCH_COLUMN", text)
        self.site.write_text(text)
        result, failed = self.run_with_failures()
        for cell in failed:
            self.assertIn("NO_SUCH_COLUMN", cell["error_message"])
            self.assertIn("parcels.gpkg", cell["error_message"])
        self.assertTrue(cells(result, stage="crop-type", outcome="CELL_OUTCOME_MISSING_INPUT"))
        self.assertTrue(cells(result, stage="composite", outcome="CELL_OUTCOME_DONE"))

    def test_polygons_that_all_lie_outside_are_named(self):
        features = []
        for i in range(12):
            ring = [[i * 0.01, 0], [i * 0.01 + 0.005, 0], [i * 0.01 + 0.005, 0.005], [i * 0.01, 0.005], [i * 0.01, 0]]
            features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
                             "properties": {"ID": i, "CROP": i % 2, "LC": "land", "CODE": 11 + i % 3, "IRRIGATION": 0}})
        far = self.site.parent / "far.geojson"
        far.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        self.site.write_text(self.site.read_text().replace("file: parcels.gpkg", "file: far.geojson"))
        result, failed = self.run_with_failures()
        for cell in failed:
            self.assertIn("far.geojson", cell["error_message"])
        self.assertTrue(cells(result, stage="composite", outcome="CELL_OUTCOME_DONE"))

    def test_a_typing_error_in_the_site_file_is_named_with_its_line(self):
        self.site.write_text(self.site.read_text() + "compositee: {period: month}\n")
        process = arpent("run", "start", "-f", self.site, "--local", "--root", self.folder / "root", check=False)
        self.assertEqual(process.returncode, 2)
        self.assertIn(f"site.yaml:{len(self.site.read_text().splitlines())}", process.stderr)


class Increments(TestCase):
    def test_only_what_is_new_is_computed(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "360", "--parcel", "130", "--dates", "6", "--seed", "3")
        site, l1c = self.folder / "site" / "site.yaml", self.folder / "site" / "l1c"
        late = sorted(l1c.glob("*.SAFE"))[-1]
        late = pathlib.Path(shutil.move(late, self.folder / late.name))
        run_local(site, self.folder / "root")

        again = run_local(site, self.folder / "root")
        computed = [c for c in again["cells"] if not c["reused"] and c["outcome"] == "CELL_OUTCOME_DONE"]
        self.assertEqual({c["stage"] for c in computed} - {"discover"}, set())
        shutil.move(late, l1c / late.name)
        more = run_local(site, self.folder / "root")
        fresh = cells(more, stage="l2a", reused=False, outcome="CELL_OUTCOME_DONE")
        self.assertEqual(len(fresh), 1)
        self.assertTrue(cells(more, stage="composite", reused=True), "composites of other periods were made again")

        site.write_text(site.read_text() + "train: {trees: 20}\n" if "train:" not in site.read_text()
                        else site.read_text().replace("train: {", "train: {trees: 20, "))
        changed = run_local(site, self.folder / "root")
        computed = {c["stage"] for c in changed["cells"] if not c["reused"] and c["outcome"] == "CELL_OUTCOME_DONE"}
        self.assertIn("train", computed)
        self.assertFalse(computed & {"l2a", "composite", "samples"}, computed)


if __name__ == "__main__":
    unittest.main()
