#!/usr/bin/env python3
"""Weights spectral responses with sunlight and writes spectral_weights.csv.

usage: weight_responses.py srf_2p5nm.csv truth.csv > spectral_weights.csv

Sunlight is a black body of 5778 K. Within each band its slope is adjusted so that the mean wavelength becomes the one
that 6S states (wl_eff_um), which carries the absorption lines of the sun. Weights of a band add up to 1.
"""
import csv
import math
import sys


def sunlight(wavelength_um):
    return wavelength_um**-5 / (math.exp(14387.77 / (wavelength_um * 5778)) - 1)


def weighted(samples, slope, centre):
    weights = [response * sunlight(w) * math.exp(slope * (w - centre)) for w, response in samples]
    total = sum(weights)
    weights = [value / total for value in weights]
    return weights, sum(value * w for value, (w, _) in zip(weights, samples))


def main():
    responses, means = {}, {}
    with open(sys.argv[1]) as file:
        for row in csv.DictReader(file):
            sample = (float(row["wavelength_um"]), float(row["response"]))
            responses.setdefault((row["sensor"], row["band"]), []).append(sample)
    with open(sys.argv[2]) as file:
        for row in csv.DictReader(file):
            means[row["sensor"], row["band"]] = float(row["wl_eff_um"])
    print("sensor,band,wavelength_um,weight")
    for (sensor, band), samples in responses.items():
        target = means[sensor, band]
        low, high = -60.0, 60.0  # per um; the mean rises with the slope
        for _ in range(60):
            slope = (low + high) / 2
            weights, mean = weighted(samples, slope, target)
            low, high = (slope, high) if mean < target else (low, slope)
        for (wavelength, _), weight in zip(samples, weights):
            if weight > 0:
                print(f"{sensor},{band},{wavelength:.4f},{weight:.8f}")


if __name__ == "__main__":
    main()
