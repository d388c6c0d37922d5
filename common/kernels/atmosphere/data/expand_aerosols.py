#!/usr/bin/env python3
"""Expands the polarised phase functions of 6S's aerosol models and writes aerosol_expansion.csv.

usage: expand_aerosols.py aerosol_polarised_6s.csv aerosol_optics_6s.csv > aerosol_expansion.csv

Every row is one model and wavelength: extinction relative to 550 nm, single scattering albedo, then the coefficients
b, g, a, z for l = 0 .. 80 of README.md, divided by b_0.
"""
import csv
import sys

import numpy as np
from scipy.special import eval_jacobi, eval_legendre

LAST = 80


def generalized(l, mu):
    """d^l_02, d^l_22 and d^l_2,-2 at mu (0 for l < 2)."""
    if l < 2:
        return (np.zeros_like(mu),) * 3
    d02 = np.sqrt((l + 2) * (l + 1) / (l * (l - 1.0))) / 4 * (1 - mu**2) * eval_jacobi(l - 2, 2, 2, mu)
    # d_02 by its Jacobi form: sqrt((l-2)! (l+2)!) / l! ((1-mu)(1+mu)/4) P^(2,2)_(l-2)
    return d02, ((1 + mu) / 2) ** 2 * eval_jacobi(l - 2, 0, 4, mu), ((1 - mu) / 2) ** 2 * eval_jacobi(l - 2, 4, 0, mu)


def expand(p11, p12, p33, mu, weight):
    b, g, a, z = np.zeros((4, LAST + 1))
    for l in range(LAST + 1):
        d02, d22, d2m2 = generalized(l, mu)
        half = (2 * l + 1) / 2 * weight
        b[l] = np.sum(half * p11 * eval_legendre(l, mu))
        g[l] = np.sum(half * p12 * d02)
        plus, minus = np.sum(half * (p11 + p33) * d22), np.sum(half * (p11 - p33) * d2m2)
        a[l], z[l] = (plus + minus) / 2, (plus - minus) / 2
    negative = np.flatnonzero(b < 0)
    if len(negative):  # noise of the tabulated forward peak; 6S stops here too
        b[negative[0]:] = 0
    return [part / b[0] for part in (b, g, a, z)]


def main():
    functions = {}
    with open(sys.argv[1]) as file:
        for row in csv.DictReader(file):
            key = (row["model"], float(row["wavelength_um"]))
            functions.setdefault(key, []).append(
                [float(row[name]) for name in ("scattering_angle_deg", "phase_function", "p12", "p33")])
    nodes, weights = np.polynomial.legendre.leggauss(LAST)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["model", "wavelength_um", "ext_rel550", "ssa"] +
                    [f"{part}_{l}" for part in "bgaz" for l in range(LAST + 1)])
    with open(sys.argv[2]) as file:
        for row in csv.DictReader(file):
            key = (row["model"], float(row["wavelength_um"]))
            table = np.array(functions[key])
            # The Gauss nodes are given to 1e-4 deg; 0, 90 and 180 deg carry no weight.
            rows = [table[np.argmin(np.abs(table[:, 0] - angle))] for angle in np.degrees(np.arccos(nodes))]
            p11, p12, p33 = np.array(rows)[:, 1:].T
            parts = expand(p11, p12, p33, nodes, weights)
            writer.writerow([row["model"], row["wavelength_um"], row["ext_rel550"], row["ssa"]] +
                            [f"{value:.6g}" for part in parts for value in part])


if __name__ == "__main__":
    main()
