#!/usr/bin/python3
"""The STAC catalogue follows what is current; old versions are told apart, swept, and products are proven by making them again."""
import json
import pathlib
import time
import unittest

from installation import Installation, TestCase, arpent, published_items

NEEDED = {"Catalog": ("id", "description", "links"), "Collection": ("id", "description", "license", "extent", "links"),
          "Feature": ("id", "geometry", "properties", "links", "assets")}


def read_catalog(output):
    """{latest item: (path, item)} of everything that catalog.json leads to; raises when a link or a needed field is missing."""
    output = pathlib.Path(output)

    def read(path):
        document = json.loads(path.read_text())
        assert document["stac_version"] == "1.1.0", path
        for field in NEEDED[document["type"]]:
            assert field in document, (path, field)
        for link in document["links"]:
            if not link["href"].startswith("urn:"):
                assert (path.parent / link["href"]).resolve().is_file(), (path, link)
        return document

    found = {}
    root = output / "catalog.json"
    for child in (link for link in read(root)["links"] if link["rel"] == "child"):
        path = (root.parent / child["href"]).resolve()
        collection = read(path)
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        for link in (link for link in collection["links"] if link["rel"] == "item"):
            item_path = (path.parent / link["href"]).resolve()
            item = read(item_path)
            assert item["collection"] == collection["id"]
            if item["geometry"] is not None:
                assert west <= item["bbox"][0] and south <= item["bbox"][1] and item["bbox"][2] <= east and item["bbox"][3] <= north
            for asset in item["assets"].values():
                assert (item_path.parent / asset["href"]).resolve().is_file(), (item_path, asset["href"])
            found[str(item_path.relative_to(output.resolve()))] = item
    return found


def wait_for(condition, what, seconds=120):
    """Waits for what a reader of a catalogue that is being rewritten will see; until then a link may lead nowhere."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
            seen = "not yet so"
        except (OSError, AssertionError) as error:
            seen = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come: {seen}")
        time.sleep(0.2)


class Catalog(TestCase):
    def site_file(self, *changes):
        text = (self.folder / "site/site.yaml").read_text()
        text = text.replace("uri: l1c", f'uri: "input:{self.folder}/site/l1c"')
        for before, after in changes:
            self.assertIn(before, text)
            text = text.replace(before, after)
        path = self.folder / "site/cluster.yaml"
        path.write_text(text)
        return path

    def products(self, installation, *flags):
        listed = json.loads(arpent("--output", "json", "product", "list", *flags, *installation.arguments()).stdout)
        return {product["key"]: product for product in listed.get("products", [])}

    def keys_shown(self, output):
        return {item["properties"]["arpent:key"] for item in read_catalog(output).values()}

    def run_to_its_end(self, installation, site):
        arpent("run", "start", "-f", site, *installation.arguments())
        current = set(self.products(installation))
        wait_for(lambda: (installation.output / "catalog.json").exists() and self.keys_shown(installation.output) == current,
                 "the catalogue of what is current")
        return current

    def test_follows_what_is_current_through_versions_sweep_and_deletion(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "300", "--parcel", "110", "--dates", "5", "--no-truth")
        with Installation(self.folder / "cluster", workers=1) as installation:
            first = self.run_to_its_end(installation, self.site_file())
            items = published_items(installation.output)
            self.assertEqual(first, {item["properties"]["arpent:key"] for item in items.values()})
            latest = read_catalog(installation.output)
            a_month = next(path for path in latest if path.startswith("latest/composite/33UXP/2021-"))

            # Another option: new composites take the place of the old ones at the same addresses.
            changed = ("parcels:", "composite: {method: median}\nretention: {l2a: 30d}\nparcels:")
            second = self.run_to_its_end(installation, self.site_file(changed))
            self.assertNotEqual(first, second)
            self.assertNotEqual(read_catalog(installation.output)[a_month]["properties"]["arpent:key"],
                                latest[a_month]["properties"]["arpent:key"])
            everything = self.products(installation, "--old")
            self.assertEqual(set(everything), first | second)
            self.assertEqual({key for key, product in everything.items() if product["current"]}, second)

            # A product computed again is the same; one of whose pixels somebody changed is not.
            verified = arpent("product", "verify", "--sample", "100", *installation.arguments(), check=False, timeout=1200)
            self.assertEqual(verified.returncode, 0, verified.stdout)
            self.assertIn(f"{len(second)} of {len(second)} computed again are the same", verified.stdout)

            dry = arpent("storage", "sweep", "--dry-run", *installation.arguments()).stdout
            self.assertIn("old version", dry)
            self.assertEqual(len(published_items(installation.output)), len(everything))
            arpent("storage", "sweep", *installation.arguments())
            left = {item["properties"]["arpent:key"] for item in published_items(installation.output).values()}
            self.assertEqual(left, second)
            self.assertEqual(set(self.products(installation, "--old")), second)
            self.assertEqual(self.keys_shown(installation.output), second)

            gone = next(key for key, product in everything.items() if key in second and product["stage"] == "map")
            arpent("product", "delete", gone, *installation.arguments())
            wait_for(lambda: self.keys_shown(installation.output) == second - {gone}, "the catalogue without what was deleted")

    def test_the_all_in_one_leaves_a_catalogue_and_writes_it_once(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "180", "--dates", "2", "--no-truth")
        site = self.folder / "site/site.yaml"
        site.write_text(site.read_text().replace("products: [composite, crop-mask, crop-type, map]", "products: [composite]"))
        for _ in range(2):
            arpent("run", "start", "-f", site, "--local", "--root", self.folder / "root")
        output = self.folder / "root/output"
        keys = {item["properties"]["arpent:key"] for item in published_items(output).values()}
        self.assertEqual(self.keys_shown(output), keys)
        before = (output / "catalog.json").stat()
        arpent("run", "start", "-f", site, "--local", "--root", self.folder / "root")
        self.assertEqual((output / "catalog.json").stat().st_mtime_ns, before.st_mtime_ns)


if __name__ == "__main__":
    unittest.main()
