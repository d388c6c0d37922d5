#!/usr/bin/python3
"""A labelled folder with everything that such folders have: parcels of different years, dates of their own, gaps written in
several ways, a band that few observations have, text labels, parcels without one, a class with one parcel. parcel_site
makes a site of it, and the real stages classify that. Three crops differ by when they are green; that must be found.

parcel_site_test.py --program ARPENT --tool PARCEL_SITE
"""
import argparse
import csv
import datetime
import gzip
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

PEAK_DAY = {"blé d'hiver": 130, "maize": 210, "Bare / fallow": None}
PARCELS_PER_CROP = 24
BANDS = ["B02", "B03", "B04", "B08", "B8A", "B11"]  # a subset; hardly any observation has B8A
GAPS = ["", "NaN", "-9999"]


def reflectance(crop, day_of_year, noise):
    peak = PEAK_DAY[crop]
    green = 0.15 if peak is None else 0.15 + 0.7 * math.exp(-(((day_of_year - peak) / 35) ** 2))
    values = {"B02": 900 - 500 * green, "B03": 1000 - 300 * green, "B04": 1600 - 1200 * green,
              "B08": 2000 + 2500 * green, "B8A": 2000 + 2500 * green, "B11": 2800 - 1200 * green}
    return {band: round(value * (1 + noise.gauss(0, 0.05))) for band, value in values.items()}


def write_folder(folder, noise):
    samples, series = [], []
    for number in range(PARCELS_PER_CROP * len(PEAK_DAY) + 2):
        crop = list(PEAK_DAY)[number % len(PEAK_DAY)]
        label = {PARCELS_PER_CROP * len(PEAK_DAY): "lone", PARCELS_PER_CROP * len(PEAK_DAY) + 1: "nan"}.get(number, crop)
        samples.append({"sample": f"p{number}", "lon": 1.5, "lat": 44, "kind": label, "other": "x"})
        day = datetime.date(noise.choice((2019, 2020, 2021)), 1, noise.randrange(1, 12))
        while day.timetuple().tm_yday < 330:
            row = {"sample": f"p{number}", "date": day.isoformat(), **reflectance(crop, day.timetuple().tm_yday, noise)}
            if noise.random() > 0.05:
                row["B8A"] = ""
            if noise.random() < 0.3:
                row[noise.choice(BANDS[:4])] = noise.choice(GAPS)
            series.append(row)
            day += datetime.timedelta(noise.randrange(4, 13))
    noise.shuffle(series)
    for name, rows in (("samples.csv", samples), ("series.csv.gz", series)):
        opener = gzip.open if name.endswith("gz") else open
        with opener(folder / name, "wt", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--tool", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_folder(folder, random.Random(7))
        made = subprocess.run(["/usr/bin/python3", arguments.tool, str(folder), "--label", "kind", "-o", str(folder / "site")],
                              capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        assert "B8A" in made.stderr and "lone" in made.stderr, made.stderr
        assert made.stdout.startswith("72 parcels of 3 classes"), made.stdout
        products = sorted(map(str, (folder / "site" / "l2a").glob("*/*/*")))
        assert len({pathlib.Path(p).parent.name for p in products}) == 1, "the years are on one season"
        run = subprocess.run([arguments.program, "crop-type", *products, "--parcels", str(folder / "site" / "parcels.gpkg"),
                              "--learner", "forest", "-o", str(folder / "out")], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        metrics = json.loads(next((folder / "out").glob("validation/*/*/*/metrics.json")).read_text())
        text = json.dumps(metrics, ensure_ascii=False)
        assert all(crop in text for crop in PEAK_DAY), text[:500]
        item = json.loads(next((folder / "out").glob("validation/*/*/*/item.json")).read_text())
        accuracy = item["properties"]["arpent:overall_accuracy"]
        print(f"overall accuracy {accuracy:.3f}")
        assert accuracy > 0.9, accuracy
    return 0


if __name__ == "__main__":
    sys.exit(main())
