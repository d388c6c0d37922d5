#!/usr/bin/python3
"""One trace id leads from the command that started a run to every log line of coordinator and workers, and `run explain`
tells of runs and tasks."""
import json
import re
import unittest

from installation import Installation, TestCase, arpent
from services_test import cluster_site

SMALL_FOREST = "train: {trees: 5}\n"  # the logs are the same, and come sooner

# The example of the W3C recommendation "Trace Context".
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
KINDS = ("cpu", "run_queue", "cache_wait", "storage_wait", "disk_wait", "other")


def log_lines(service):
    """The lines of a service's log; every one but what it says on standard output must be a JSON object."""
    lines = []
    for line in service.log.read_text().splitlines():
        if not line.startswith("listening on "):
            lines.append(json.loads(line))
    return lines


class Logs(TestCase):
    def test_a_run_can_be_followed(self):
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "240", "--parcel", "120", "--dates", "3", "--seed", "7")
        with Installation(self.folder / "cluster") as installation:
            finished = arpent("--output", "json", "run", "start", "-f", cluster_site(self.folder / "site" / "site.yaml", SMALL_FOREST),
                              *installation.arguments(), env={"TRACEPARENT": TRACEPARENT})
            result = json.loads(finished.stdout)
            self.assertEqual(result["run"]["trace_id"], TRACE)
            self.check_coordinator(log_lines(installation.coordinator), result)
            self.check_workers([line for worker in installation.workers for line in log_lines(worker)], result)
            log_lines(installation.cache)
            self.check_explain(installation, result)

    def check_coordinator(self, lines, result):
        about = [line for line in lines if line.get("run") == result["run"]["run_id"]]
        self.assertEqual([line["message"] for line in about], ["a run begins", "a run ended"])
        for line in about:
            self.assertEqual((line["trace"], line["site"], line["season"]),
                             (TRACE, result["run"]["site"], result["run"]["season"]))
        self.assertEqual(about[-1]["state"], "succeeded")

    def check_workers(self, lines, result):
        begun = {line["task"] for line in lines if line["message"] == "a task begins"}
        ended = [line for line in lines if line["message"] == "a task ended"]
        done = [cell for cell in result["cells"] if cell["outcome"] == "CELL_OUTCOME_DONE"]
        self.assertEqual(len(ended), len(done))
        self.assertEqual({line["task"] for line in ended}, begun)
        keys = {line["task"] for line in ended}
        for cell in done:
            if cell["stage"] != "discover":  # whose tasks are named by run and cell
                self.assertIn(cell["key"], keys)
        for line in ended:
            self.assertEqual((line["run"], line["trace"], line["attempt"], line["outcome"]),
                             (result["run"]["run_id"], TRACE, "1", "done"))
            for field in ("stage", "seconds", "bytes_read", *(f"{kind}_seconds" for kind in KINDS)):
                self.assertIn(field, line)
            self.assertTrue(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", line["time"]), line["time"])

    def check_explain(self, installation, result):
        run_id = result["run"]["run_id"]
        explain = lambda name, **more: arpent("run", "explain", name, *installation.arguments(), **more)
        told = explain(run_id).stdout
        self.assertIn(f"trace {TRACE}", told)
        for column in ("CPU", "RUN QUEUE", "CACHE WAIT", "STORAGE WAIT", "DISK WAIT"):
            self.assertIn(column, told)
        cell = next(c for c in result["cells"] if c["stage"] == "composite" and c["outcome"] == "CELL_OUTCOME_DONE")
        for name in (cell["cell_id"], cell["key"][:12], f"{run_id}/{cell['cell_id']}"):
            told = explain(name).stdout
            self.assertIn(f"Task {cell['cell_id']} of run {run_id}: DONE", told)
            self.assertIn("cache_wait", told)
        whole = arpent("--output", "json", "run", "explain", cell["cell_id"], *installation.arguments()).stdout
        self.assertEqual([c["cell_id"] for c in json.loads(whole)["cells"]], [cell["cell_id"]])
        nobody = explain("no-such-thing", check=False)
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("'no-such-thing' is neither a run nor a task", nobody.stderr)


if __name__ == "__main__":
    unittest.main()
