#!/usr/bin/env python3
"""Fits the gas transmittances of gas.h to a table of 6S runs and writes gas_coefficients.csv.

usage: fit_gas.py GAS_TABLE.csv.gz > gas_coefficients.csv

The optical depths of water, ozone and the other gases are Chebyshev sums of their logarithm (gas.h has the formula);
what the total differs from their product (overlapping bands) is fitted last. Weighted so that errors of the
transmittance, not of its logarithm, are least. Prints the errors of the fit to standard error.
"""
import csv
import gzip
import sys

import numpy as np
from numpy.polynomial import chebyshev

WATER, OZONE, AIR_MASS = (0.01, 45.0), (0.1, 3.0), (1.0, 5.0)  # limits as in gas.cc
WATER_ORDER, PRESSURE_ORDER, OZONE_ORDER, OTHER_ORDER, OVERLAP_ORDER = 6, 3, 3, 4, 3
FEELS = 2e-5  # a component whose greatest depth is below this is left out


def read(path):
    bands = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            bands.setdefault((row["sensor"], row["band"]), []).append(row)
    return bands


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def scaled(values, limits):
    low, high = np.log(limits[0]), np.log(limits[1])
    return np.clip((np.log(np.maximum(values, limits[0])) - (low + high) / 2) / ((high - low) / 2), -1, 1)


def basis(t, order):
    return chebyshev.chebvander(t, order - 1)


def products(a, b):
    return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)


def fit_logarithm(design, depth):
    """Coefficients whose exponential of design is the depth, weighted by the slope of the transmittance."""
    used = depth > 1e-7
    weight = depth[used] * np.exp(-depth[used]) + 1e-6
    solution = np.linalg.lstsq(design[used] * weight[:, None], np.log(depth[used]) * weight, rcond=1e-9)
    return solution[0]


class Paths:
    """The three paths (down, up, both) of all rows of a band, one below the other."""

    def __init__(self, rows):
        down = 1 / np.cos(np.radians(column(rows, "sza_deg")))
        up = 1 / np.cos(np.radians(column(rows, "vza_deg")))
        self.air_mass = np.concatenate([down + up, down, up])
        self.total = np.concatenate([column(rows, name) for name in ("tg_total", "tg_down", "tg_up")])
        self.water = np.tile(column(rows, "wv_gcm2"), 3)
        self.ozone = np.tile(column(rows, "o3_atmcm"), 3)
        self.pressure = np.log(np.tile(column(rows, "pressure_hpa"), 3) / 1013.0)


def depth_of(transmittance):
    return -np.log(np.clip(transmittance, 1e-9, 1.0))


def fit_band(rows):
    paths, both = Paths(rows), len(rows)
    q = np.stack([paths.pressure**k for k in range(PRESSURE_ORDER)], axis=1)
    x = scaled(paths.air_mass * paths.water, WATER)
    z = scaled(paths.air_mass * paths.ozone, OZONE)
    a = scaled(paths.air_mass, AIR_MASS)
    parts, modelled = {}, np.zeros(len(x))
    components = {
        "water": (products(basis(x, WATER_ORDER), q), depth_of(column(rows, "tg_h2o")), paths.water > 0),
        "ozone": (basis(z, OZONE_ORDER), depth_of(column(rows, "tg_o3")), paths.ozone > 0),
        "other": (products(basis(a, OTHER_ORDER), q),
                  depth_of(column(rows, "tg_noh2o") / column(rows, "tg_o3")), paths.air_mass > 0),
    }
    for name, (design, depth, felt) in components.items():
        parts[name] = np.zeros(design.shape[1])
        present = depth.max() > FEELS
        parts["present_" + name] = [1.0 if present else 0.0]
        if present:
            use = felt[:both]
            parts[name] = fit_logarithm(design[:both][use], depth[use])
            modelled += np.where(felt, np.exp(np.minimum(design @ parts[name], 50)), 0)
    overlap = products(basis(x, OVERLAP_ORDER), basis(a, OVERLAP_ORDER))
    if parts["present_water"][0] and parts["present_other"][0]:
        weight = paths.total[:, None]
        difference = depth_of(paths.total) - modelled
        parts["overlap"] = np.linalg.lstsq(overlap * weight, difference * weight[:, 0], rcond=1e-9)[0]
        modelled += overlap @ parts["overlap"]
    else:
        parts["overlap"] = np.zeros(overlap.shape[1])
    error = np.exp(-np.maximum(modelled, 0)) - paths.total
    return parts, error


def main():
    order = ["water", "ozone", "other", "overlap", "present_water", "present_ozone", "present_other"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    header_written = False
    for (sensor, band), rows in read(sys.argv[1]).items():
        parts, error = fit_band(rows)
        if not header_written:
            names = [f"{name}_{i}" if len(parts[name]) > 1 else name for name in order for i in range(len(parts[name]))]
            writer.writerow(["sensor", "band"] + names)
            header_written = True
        values = [f"{value:.6g}" for name in order for value in parts[name]]
        writer.writerow([sensor, band] + values)
        print(f"{sensor} {band}: rms {np.sqrt(np.mean(error**2)):.5f} max {np.abs(error).max():.5f}", file=sys.stderr)


if __name__ == "__main__":
    main()
