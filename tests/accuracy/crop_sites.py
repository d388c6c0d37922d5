#!/usr/bin/python3
"""Crop maps of simulated sites against their truth, from L1C on: the table of docs/algorithms/crop-mask.md.

crop_sites.py [--program build/bin/arpent] [--tables build/tables] [--keep DIR] [--only NAME,...]

Each site is simulated and run whole; what `arpent run start --truth` prints of its crop maps is the table's row. A site takes
half a minute. --keep leaves the sites in DIR, where the next call finds them. Exits 1 when a site misses an aim.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The demo's site, hills, fewer pixels under more cloud, smaller fields under thicker air.
SITES = {
    "demo": [],
    "hills 5": ["--seed", "5", "--relief", "300", "--size", "720"],
    "hills 11": ["--seed", "11", "--relief", "300", "--size", "720"],
    "hills 23": ["--seed", "23", "--relief", "300", "--size", "720"],
    "cloudy 31": ["--seed", "31", "--size", "480", "--dates", "16", "--clouds", "0.3"],
    "cloudy 47": ["--seed", "47", "--size", "480", "--dates", "16", "--clouds", "0.3"],
    "small fields 7": ["--seed", "7", "--parcel", "160", "--aot", "0.3"],
}
AIMS = {"Crop mask, F1": 0.97, "Crop types, mean F1": 0.90}


def run(command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout + ended.stderr


def scores(arpent, tables, folder, options):
    site = folder / "site"
    if not (site / "site.yaml").exists():
        run([arpent, "simulate", "site", "-o", site, *options])
    printed = run([arpent, "run", "start", "--tables", tables, "-f", site / "site.yaml", "--local", "--root",
                   folder / "products", "--truth", site / "truth"])
    found = {}
    for name in AIMS:
        match = re.search(re.escape(name) + r".*?\s(\d\.\d+)\s", printed)
        if match is None:
            sys.exit(f"{folder}: the run says nothing of '{name}':\n{printed[-2000:]}")
        found[name] = float(match.group(1))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/arpent")
    parser.add_argument("--tables", type=pathlib.Path, default=ROOT / "build/tables")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--only", default=",".join(SITES))
    a = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        print("| site | " + " | ".join(AIMS) + " |\n| --- |" + " --- |" * len(AIMS))
        for name in a.only.split(","):
            folder = (a.keep or pathlib.Path(scratch)) / name.replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            found = scores(a.program, a.tables, folder, SITES[name])
            print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found.values()) + " |", flush=True)
            missed |= any(found[aim] < least for aim, least in AIMS.items())
    return missed


if __name__ == "__main__":
    sys.exit(main())
