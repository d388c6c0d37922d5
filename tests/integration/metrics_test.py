#!/usr/bin/python3
"""Each exporter of a real installation shows its metrics with their types and labels, from the start, and they add up after a run."""
import re
import shutil
import subprocess
import sys
import unittest

from installation import Installation, TestCase, arpent, metrics
from services_test import cluster_site

STAGES = {"discover", "l2a", "align", "composite", "vegetation", "samples", "train", "crop-mask", "crop-type", "validate", "map"}
KINDS = {"cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other"}
# Exporter: metric: its labels. What dashboards and alerts rely on; docs/monitoring.md explains each.
CONTRACT = {
    "worker": {
        "arpent_tasks_total": {"stage", "outcome"},
        "arpent_task_duration_seconds": {"stage"},
        "arpent_task_time_seconds_total": {"stage", "kind"},
        "arpent_pixels_total": {"stage"},
        "arpent_area_km2_total": {"stage"},
        "arpent_worker_slots": {"stage", "state"},
    },
    "coordinator": {
        "arpent_queue_tasks": {"stage", "state"},
        "arpent_queue_expected_seconds": {"stage"},
        "arpent_queue_oldest_seconds": {"stage"},
        "arpent_task_failures_total": {"stage", "cause"},
        "arpent_leases_expired_total": {"stage"},
        "arpent_task_oldest_running_seconds": {"stage"},
        "arpent_ledger_remaining_seconds": {"stage"},
        "arpent_leader": set(),
        "arpent_swept_folders_total": {"reason"},
        "arpent_swept_bytes_total": set(),
        "arpent_sweep_failures_total": set(),
    },
    "cache": {
        "arpent_cache_requests_total": {"result"},
        "arpent_cache_request_bytes_total": {"result"},
        "arpent_cache_bytes": {"tier"},
        "arpent_cache_limit_bytes": {"tier"},
        "arpent_cache_evictions_total": {"tier"},
        "arpent_storage_requests_total": {"store", "operation", "code"},
        "arpent_storage_bytes_total": {"store", "operation"},
        "arpent_storage_request_duration_seconds": {"store", "operation"},
    },
}
# The only metrics with a site; they come with its first run.
LEDGER = {"arpent_ledger_cells": {"site", "stage", "outcome"}, "arpent_ledger_cells_expected": {"site", "stage"}}
EVERYWHERE = {
    "arpent_build_info": {"version"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "arpent_cpu_limit_cores": set(),
    "arpent_memory_limit_bytes": set(),
    "arpent_disk_size_bytes": {"place"},
    "arpent_disk_free_bytes": {"place"},
}
RPC = {
    "grpc_server_started_total": {"grpc_type", "grpc_service", "grpc_method"},
    "grpc_server_handled_total": {"grpc_type", "grpc_service", "grpc_method", "grpc_code"},
    "grpc_server_handling_seconds": {"grpc_type", "grpc_service", "grpc_method"},
}
HISTOGRAMS = {"arpent_task_duration_seconds", "arpent_storage_request_duration_seconds", "grpc_server_handling_seconds"}
# Small closed sets only, besides the site's name on the ledger: never a tile, a run or a task.
CLOSED = {"stage", "outcome", "kind", "state", "cause", "result", "tier", "store", "operation", "code", "version", "place", "resource",
          "share", "reason", "grpc_type", "grpc_service", "grpc_method", "grpc_code", "le"}
SAMPLE = re.compile(r"^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$")
TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.M)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """[(name, {label: value}, number)] of the text format."""
    found = []
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample:
            found.append((sample[1], dict(LABEL.findall(sample[2] or "")), float(sample[3])))
    return found


def total(samples, name, **wanted):
    return sum(value for series, labels, value in samples
               if series == name and all(labels.get(label) == text for label, text in wanted.items()))


def values_of(samples, name, label):
    return {labels[label] for series, labels, _ in samples if series == name}


class Metrics(TestCase):
    def check_contract(self, exporter, samples, contract):
        for name, labels in contract.items():
            series = [found - {"le"} for series, values, _ in samples
                      if series in (name, name + "_count") for found in [set(values)]]
            self.assertTrue(series, f"{exporter} does not show {name}")
            for found in series:
                self.assertEqual(found, labels, f"{exporter}: labels of {name}")

    def check_types(self, text):
        """A rate() over a gauge finds something, and means nothing: names and types agree."""
        for name, kind in TYPE.findall(text):
            if name.startswith("exposer_"):
                continue  # the library's own
            wanted = "histogram" if name in HISTOGRAMS else "counter" if name.endswith("_total") else "gauge"
            self.assertEqual(kind, wanted, name)
        for name, labels, _ in (sample for sample in parse(text) if not sample[0].startswith("exposer_")):
            self.assertLessEqual(set(labels), CLOSED | ({"site"} if name in LEDGER else set()), name)

    def check_conventions(self, text):
        if shutil.which("promtool") is None:
            print("SKIPPED: promtool is absent; the text was not checked by it (apt-get install prometheus)", file=sys.stderr)
            return
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def scrape(self, installation):
        texts = {"coordinator": metrics(installation.coordinator.metrics_address()),
                 "cache": metrics(installation.cache.metrics_address())}
        for index, worker in enumerate(installation.workers):
            texts[f"worker{index}"] = metrics(worker.metrics_address())
        for text in texts.values():
            self.check_conventions(text)
            self.check_types(text)
        return {exporter: parse(text) for exporter, text in texts.items()}

    def test_contract(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "360", "--parcel", "130", "--dates", "3", "--seed", "7")
        with Installation(self.folder / "cluster") as installation:
            before = self.scrape(installation)
            for exporter, samples in before.items():
                self.check_contract(exporter, samples, {**CONTRACT[exporter.rstrip("01")], **EVERYWHERE})
            # Zero, not absent: dashboards and alerts of an idle installation see every stage.
            for name in ("arpent_tasks_total", "arpent_task_time_seconds_total", "arpent_area_km2_total"):
                self.assertEqual(values_of(before["worker0"], name, "stage"), STAGES)
                self.assertEqual(total(before["worker0"], name), 0)
            self.assertEqual(values_of(before["worker0"], "arpent_task_time_seconds_total", "kind"), KINDS)
            self.assertEqual(values_of(before["worker0"], "arpent_worker_slots", "state"), {"busy", "idle", "draining"})
            for name in ("arpent_queue_tasks", "arpent_queue_oldest_seconds", "arpent_task_failures_total",
                         "arpent_leases_expired_total", "arpent_task_oldest_running_seconds"):
                self.assertEqual(values_of(before["coordinator"], name, "stage"), STAGES)
                self.assertEqual(total(before["coordinator"], name), 0)
            self.assertEqual(values_of(before["cache"], "arpent_storage_requests_total", "store"), {"input", "output"})
            self.assertEqual(total(before["coordinator"], "arpent_leader"), 1)
            self.assertEqual(values_of(before["coordinator"], "arpent_disk_free_bytes", "place"), {"state"})
            self.assertEqual(values_of(before["worker0"], "arpent_disk_free_bytes", "place"), {"scratch"})
            self.assertEqual(values_of(before["cache"], "arpent_disk_free_bytes", "place"), {"input", "output"})

            arpent("run", "start", "-f", cluster_site(self.folder / "site" / "site.yaml", "train: {trees: 5}\n"), *installation.arguments())
            after = self.scrape(installation)
            for exporter in ("coordinator", "cache"):
                self.check_contract(exporter, after[exporter], {**CONTRACT[exporter], **RPC})
            self.check_contract("coordinator", after["coordinator"], LEDGER)
            self.check_sums(after)

    def check_sums(self, after):
        coordinator, workers = after["coordinator"], after["worker0"] + after["worker1"]
        for stage in STAGES:
            done = total(coordinator, "arpent_ledger_cells", stage=stage, outcome="done")
            self.assertEqual(total(workers, "arpent_tasks_total", stage=stage, outcome="done"), done, stage)
            self.assertEqual(total(workers, "arpent_task_duration_seconds_count", stage=stage), done, stage)
            self.assertEqual(total(coordinator, "arpent_ledger_cells", stage=stage),
                             total(coordinator, "arpent_ledger_cells_expected", stage=stage), stage)
        self.assertEqual(total(coordinator, "arpent_queue_tasks"), 0)
        self.assertEqual(total(coordinator, "arpent_ledger_remaining_seconds"), 0)
        for stage in ("l2a", "composite", "crop-mask", "crop-type", "map"):
            pixels = total(workers, "arpent_pixels_total", stage=stage)
            self.assertGreater(pixels, 0, stage)
            # 10 m pixels: 10,000 of them are a square kilometre.
            self.assertAlmostEqual(total(workers, "arpent_area_km2_total", stage=stage), pixels / 1e4, delta=pixels * 1e-9)
            # The kinds are disjoint and whole: together at least as long as the attempts lasted.
            self.assertGreaterEqual(total(workers, "arpent_task_time_seconds_total", stage=stage),
                                    0.5 * total(workers, "arpent_task_duration_seconds_sum", stage=stage), stage)
        self.assertGreater(total(workers, "arpent_task_time_seconds_total", kind="cache_wait"), 0)
        self.assertGreater(total(after["cache"], "arpent_cache_requests_total", result="miss"), 0)
        self.assertGreater(total(after["cache"], "arpent_storage_bytes_total", store="output", operation="write"), 0)
        self.assertEqual(total(coordinator, "grpc_server_handled_total", grpc_method="StartRun", grpc_code="OK"), 1)


if __name__ == "__main__":
    unittest.main()
