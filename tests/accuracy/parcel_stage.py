#!/usr/bin/python3
"""Real parcel series through the real stages: means over seeds of what the polygons say that did not train.

parcel_stage.py FOLDER [--label crop] [--top 10] [--learner forest] [--seeds 1,2,3,4,5] [--no-crop NAME,...] [--program FILE]

FOLDER is a labelled set as tests/tools/parcel_site takes it. Crop types by default; with --no-crop a crop mask, in which the
named labels are no crop. Prints overall accuracy / macro F1 of every seed and their means: the figures of
docs/algorithms/crop-type.md and crop-mask.md.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from osgeo import ogr

ogr.UseExceptions()
ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")


def declare_no_crop(parcels, labels):
    dataset = ogr.Open(str(parcels), 1)
    for feature in (layer := dataset.GetLayer(0)):
        feature["CROP"] = 0 if feature["LC"] in labels else 1
        layer.SetFeature(feature)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--label", default="crop")
    parser.add_argument("--top", default="10")
    parser.add_argument("--learner", default="forest")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--no-crop", default="")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/arpent")
    a = parser.parse_args()
    purpose = "crop-mask" if a.no_crop else "crop-type"
    found = []
    with tempfile.TemporaryDirectory() as name:
        site = pathlib.Path(name) / "site"
        run("/usr/bin/python3", ROOT / "tests/tools/parcel_site", a.folder, "--label", a.label, "--top", a.top, "-o", site)
        if a.no_crop:
            declare_no_crop(site / "parcels.gpkg", a.no_crop.split(","))
        for seed in a.seeds.split(","):
            out = pathlib.Path(name) / f"seed-{seed}"
            run(a.program, purpose, *sorted(site.glob("l2a/*/*/*")), "--parcels", site / "parcels.gpkg", "--seed", seed,
                "--learner", a.learner, "--quiet", "-o", out)
            overall = json.loads(next(out.glob("validation/**/metrics.json")).read_text())["overall"]
            found.append((overall["overall_accuracy"], overall["macro_f"]))
            print(f"seed {seed}: {found[-1][0]:.3f} / {found[-1][1]:.3f}", flush=True)
    print("mean: " + " / ".join(f"{sum(column) / len(column):.3f}" for column in zip(*found)))


if __name__ == "__main__":
    main()
