#!/usr/bin/python3
"""How much cloud is left in composites of 78 real Kenyan dates, by method.

composite_clouds.py --program arpent --tables DIR --tools DIR --data DIR

Pushes the dates up to TOA, makes L2A and monthly composites of every method, and counts the pixels with two clear dates
(Sen2Cor's classes 4 and 5, which our masks have not seen) whose B02 exceeds the brightest clear B02 of the period by more
than 0.03. Prints the table of docs/algorithms/composite.md and exits 1 when a method leaves 0.1 % or more; 77 (skipped)
when tools or data are absent.
"""
import argparse
import datetime
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np
from osgeo import gdal

gdal.UseExceptions()

SET = "s2_l2a_kenya_78dates"
METHODS = ["weighted-average", "median", "medoid", "geometric-median", "best-pixel"]
SIDE = 60                 # the scene maker keeps the upper left 60 x 60 pixels
HALF_WINDOW_DAYS = 25     # of weighted-average
BRIGHTER = 300            # reflectance x 10000
CLEAR = (4, 5)
MOST_PERCENT = 0.1


def read(path):
    return gdal.Open(path).ReadAsArray()


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def make_l2a(program, tables, tools, data, folder):
    """{day: folder of its L2A}; dates past the cloud limit have none."""
    made = run(["/usr/bin/python3", os.path.join(tools, "to_safe.py"), "--set", os.path.join(data, SET), "--from-sr",
                "--out", os.path.join(folder, "l1c")])
    if made.returncode != 0:
        sys.exit(made.stderr)
    for scene in sorted(glob.glob(os.path.join(folder, "l1c", "*.SAFE"))):
        ended = run([program, "l2a", scene, "-o", os.path.join(folder, "out"), "--tables", tables, "--quiet"])
        if ended.returncode not in (0, 3):
            sys.exit(f"{scene}: {ended.stderr}")
    items = glob.glob(os.path.join(folder, "out/l2a/*/*/*/item.json"))
    day = lambda item: os.path.basename(os.path.dirname(item)).split("_")[1][:8]
    return {datetime.datetime.strptime(day(item), "%Y%m%d").date(): os.path.dirname(item) for item in items}


def dates_of(first, last, method, days):
    if method != "weighted-average":
        return [day for day in days if first <= day <= last]
    middle = first.toordinal() + ((last - first).days + 1) / 2
    return [day for day in days if abs(day.toordinal() - middle) <= HALF_WINDOW_DAYS]


def leftover(program, folder, method, l2a, clear):
    """(pixels too bright, pixels with two clear dates) over all months."""
    bright = total = 0
    for year, month in sorted({(day.year, day.month) for day in l2a}):
        first = datetime.date(year, month, 1)
        last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)
        days = dates_of(first, last, method, l2a)
        out = os.path.join(folder, method, f"{year}-{month:02d}")
        ended = run([program, "composite", *[l2a[day] for day in days], "-o", out, "--period", f"{year}-{month:02d}",
                     "--method", method, "--quiet"])
        blue = glob.glob(os.path.join(out, "composite/*/*/B02.tif"))
        if ended.returncode != 0 or len(blue) != 1:
            sys.exit(f"{method} {year}-{month:02d}: {ended.stderr}{ended.stdout}")
        brightest, count = np.full((SIDE, SIDE), -32768), np.zeros((SIDE, SIDE), int)
        for day in days:
            value = read(os.path.join(l2a[day], "B02.tif")).astype(int)
            seen = clear[day] & (value != -9999)
            brightest = np.where(seen, np.maximum(brightest, value), brightest)
            count += seen
        twice = count >= 2
        bright += (twice & (read(blue[0]) > brightest + BRIGHTER)).sum()
        total += twice.sum()
    return bright, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "tables", "tools", "data"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    if not os.path.exists(os.path.join(a.tools, "to_safe.py")) or not os.path.isdir(os.path.join(a.data, SET)):
        print(f"SKIPPED: {a.tools}/to_safe.py or {a.data}/{SET} is absent")
        sys.exit(77)
    names = sorted(os.path.basename(path)[:8] for path in glob.glob(os.path.join(a.data, SET, "l2a/*.tif")))
    classes = read(os.path.join(a.data, SET, "scl_all_dates.tif"))[:, :SIDE, :SIDE]
    clear = {datetime.datetime.strptime(name, "%Y%m%d").date(): np.isin(scl, CLEAR) for name, scl in zip(names, classes)}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        l2a = make_l2a(a.program, a.tables, a.tools, a.data, folder)
        print("| Method | pixels with two clear dates | of them too bright | % |\n| --- | --- | --- | --- |")
        for method in METHODS:
            bright, total = leftover(a.program, folder, method, l2a, clear)
            print(f"| {method} | {total} | {bright} | {100 * bright / total:.3f} |", flush=True)
            failed |= 100 * bright / total >= MOST_PERCENT
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
