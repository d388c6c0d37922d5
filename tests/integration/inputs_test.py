#!/usr/bin/python3
"""The ways in which scenes are delivered: folders, archives, a STAC catalogue, products of many tiles, two datastrips of a datatake."""
import json
import pathlib
import re
import shutil
import unittest
import zipfile

from installation import TestCase, arpent, cells, published_items, run_local

SITE = """name: {name}
area: "tiles:{tiles}"
inputs: [{{uri: "{uri}", kind: sentinel2-l1c}}]
seasons: [{{name: "2021", start: 2021-03-20, end: 2021-10-10, products: [{products}]}}]
"""


def zipped(products, folder):
    folder.mkdir()
    for product in products:
        with zipfile.ZipFile(folder / f"{product.stem}.zip", "w") as archive:
            for file in sorted(product.rglob("*")):
                archive.write(file, file.relative_to(product.parent))
    return folder


def catalogued(products, folder):
    """A STAC catalogue whose items point at the products."""
    folder.mkdir()
    links = []
    for product in products:
        item = {"type": "Feature", "stac_version": "1.0.0", "id": product.stem, "geometry": None, "links": [],
                "properties": {"datetime": "2021-03-20T10:00:31Z"},
                "assets": {"product_metadata": {"href": f"../{product.parent.name}/{product.name}/MTD_MSIL1C.xml"}}}
        (folder / f"{product.stem}.json").write_text(json.dumps(item))
        links.append({"rel": "item", "href": f"./{product.stem}.json"})
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "scenes", "description": "scenes", "links": links}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    return folder / "catalog.json"


def old_layout(products, folder):
    """Products as before 2016: all tiles of an overpass in one, with long names."""
    for product in products:
        platform, day = product.name[:3], product.name.split("_")[2]
        tile = re.search(r"_T(\w{5})_", product.name).group(1)
        stem = f"R122_V{day}_{day}"
        joined = folder / f"{platform}_OPER_PRD_MSIL1C_PDMC_{day}_{stem}.SAFE"
        granule = joined / f"GRANULE/{platform}_OPER_MSI_L1C_TL_SGS__{day}_A012345_T{tile}_N02.04"
        (granule / "IMG_DATA").mkdir(parents=True)
        shutil.copy(product / "MTD_MSIL1C.xml", joined / f"{platform}_OPER_MTD_SAFL1C_PDMC_{day}_{stem}.xml")
        source = next((product / "GRANULE").iterdir())
        shutil.copy(source / "MTD_TL.xml", granule / f"{platform}_OPER_MTD_L1C_TL_SGS__{day}_A012345_T{tile}.xml")
        for image in (source / "IMG_DATA").iterdir():
            shutil.copy(image, granule / f"IMG_DATA/{platform}_OPER_MSI_L1C_TL_SGS__{day}_A012345_T{tile}_{image.name[-7:]}")
    return folder


class Inputs(TestCase):
    def simulate(self, *options):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "120", "--dates", "2", "--no-truth", *options)
        return sorted((self.folder / "site/l1c").iterdir())

    def run_on(self, name, uri, tiles="33UXP", products="l2a"):
        site = self.folder / f"{name}.yaml"
        site.write_text(SITE.format(name=name, uri=uri, tiles=tiles, products=products))
        result = run_local(site, self.folder / name)
        return result, {item["properties"]["arpent:key"]: item for item in published_items(self.folder / name / "output").values()
                        if item["properties"]["arpent:stage"] == "l2a"}

    def test_archives_and_catalogues_give_the_products_of_the_folders(self):
        products = self.simulate("--baseline", "05.11")
        _, folders = self.run_on("folders", self.folder / "site/l1c")
        self.assertEqual(len(folders), 2)
        _, archives = self.run_on("archives", zipped(products, self.folder / "zips"))
        self.assertEqual(folders, archives, "items say nothing of where a scene lay")
        _, catalogue = self.run_on("catalogue", catalogued(products, self.folder / "site/stac"))
        self.assertEqual(folders, catalogue)

    def test_products_of_many_tiles(self):
        tiles = "32UQV,33UUQ"
        products = self.simulate("--baseline", "02.04", "--tiles", tiles)
        _, single = self.run_on("single", self.folder / "site/l1c", tiles)
        _, joined = self.run_on("joined", old_layout(products, self.folder / "old"), tiles)
        self.assertEqual(len(joined), 4)
        pixels = lambda items: sorted(item["assets"]["B04"]["arpent:pixel_digest"] for item in items.values())
        self.assertEqual(pixels(joined), pixels(single))

    def test_two_datastrips_are_two_scenes_and_a_new_version_supersedes(self):
        first = self.simulate("--baseline", "02.09")[0]
        strip = pathlib.Path(str(first).replace("T130031.SAFE", "T130500.SAFE"))
        newer = pathlib.Path(str(first).replace("_N0209_", "_N0301_"))
        for copy in (strip, newer):
            shutil.copytree(first, copy)
        metadata = next(strip.rglob("MTD_TL.xml"))
        metadata.write_text(metadata.read_text().replace("_S20210320T100031", "_S20210320T100231"))
        product = newer / "MTD_MSIL1C.xml"
        product.write_text(product.read_text().replace("<PROCESSING_BASELINE>02.09", "<PROCESSING_BASELINE>03.01"))
        result, _ = self.run_on("strips", self.folder / "site/l1c", products="composite")
        done = {cell["unit"] for cell in cells(result, stage="l2a", outcome="CELL_OUTCOME_DONE")}
        self.assertIn("S2A_20210320T100031_R122_T33UXP", done)
        self.assertIn("S2A_20210320T100231_R122_T33UXP", done)
        skipped = cells(result, stage="l2a", outcome="CELL_OUTCOME_SKIPPED")
        self.assertEqual([cell["reason"] for cell in skipped], [f"superseded by {newer.stem}"])
        composites = [item for item in published_items(self.folder / "strips/output").values()
                      if item["properties"]["arpent:stage"] == "composite" and item["properties"]["arpent:period"] == "2021-03"]
        self.assertEqual(composites[0]["properties"]["arpent:scenes"], 2)


if __name__ == "__main__":
    unittest.main()
