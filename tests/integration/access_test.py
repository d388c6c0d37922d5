#!/usr/bin/python3
"""Programs that ask for tokens, attacked over the wire: strangers, readers and lying workers get nothing that is not theirs, the
run ends as if they had not been there, and no token or password shows in logs, metrics, help or products. Raw calls are made with
curl and protoc; every method and limit has its own test beside the code (coordinator_access_test, server_limits_test)."""
import json
import os
import secrets
import shutil
import struct
import subprocess
import sys
import time
import unittest

from installation import BIN, FREE_METRICS_PORT, SOURCE, Service, TestCase, arpent, ledger_adds_up, metrics
from services_test import cluster_site

INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAUTHENTICATED = "3", "5", "7", "8", "16"
SYNCHRONIZE = "arpent.worker.v1.WorkerService/Synchronize"
PROTO_OF = {"run": "run/v1/run_service", "site": "site/v1/site_service", "worker": "worker/v1/worker_service",
            "cache": "cache/v1/cache_service"}


def protoc(option, kind, content):
    file = f"arpent/{PROTO_OF[kind.split('.')[1]]}.proto"
    return subprocess.run(["protoc", f"-I{SOURCE}/proto", f"--{option}={kind}", file], input=content, capture_output=True,
                          check=True).stdout


class Caller:
    """Makes calls of its own making. `token`: of nobody when None."""

    def __init__(self, folder, token=None):
        self.folder, self.token = folder, token

    def call(self, address, method, text=""):
        """(grpc-status, response as text) of a call with a request in text format."""
        service, name = method.split("/")
        package = service.rpartition(".")[0]
        request = protoc("encode", f"{package}.{name}Request", text.encode())
        shown = [f"authorization: Bearer {self.token}"] if self.token else []
        options = [part for header in ("content-type: application/grpc", "te: trailers", *shown) for part in ("-H", header)]
        body = self.folder / "answer"
        done = subprocess.run(["curl", "-sS", "--max-time", "60", "--http2-prior-knowledge", "-D", "-", "-o", body, "--data-binary", "@-",
                               *options, f"http://{address}/{method}"], input=b"\0" + struct.pack(">I", len(request)) + request,
                              capture_output=True)
        status = [line.split(":")[1].strip() for line in done.stdout.decode().splitlines() if line.startswith("grpc-status:")]
        if status != ["0"]:
            return (status[-1] if status else f"no status: {done.stderr.decode()}"), ""
        return "0", protoc("decode", f"{package}.{name}Response", body.read_bytes()[5:]).decode()


class Access(TestCase):
    def setUp(self):
        if not shutil.which("curl") or not shutil.which("protoc"):
            print("SKIPPED: needs curl and protoc", file=sys.stderr)
            self.skipTest("curl or protoc is absent")
        super().setUp()
        self.secrets = {role: f"{role}-{secrets.token_hex(16)}" for role in ("operator", "reader", "worker")}
        tokens = self.folder / "tokens"
        tokens.mkdir()
        for role, token in self.secrets.items():
            (tokens / role).write_text(token + "\n")
        output = self.folder / "output"
        output.mkdir()
        common = ("--listen", "127.0.0.1:0", *FREE_METRICS_PORT)
        self.cache = Service("arpent-tile-cache", "--store", "input=file:///", "--store", f"output=file://{output}", "--tokens", tokens, *common,
                             log=self.folder / "cache.log").start()
        self.addCleanup(self.cache.stop)
        self.coordinator = Service("arpent-coordinator", "--state", self.folder / "state.db", "--tokens", tokens, "--cache", self.cache.address,
                                   "--token-file", tokens / "operator", *common, log=self.folder / "coordinator.log").start()
        self.addCleanup(self.coordinator.stop)
        self.worker = Service("arpent-worker", "--coordinator", self.coordinator.address, "--cache", self.cache.address, "--slots", "1",
                              "--token-file", tokens / "worker", "--scratch", self.folder / "scratch", *common, log=self.folder / "worker.log")
        self.addCleanup(self.worker.stop)
        self.arguments = ["--server", self.coordinator.address, "--cache", self.cache.address]
        self.client = {"ARPENT_TOKEN_FILE": str(tokens / "operator")}
        arpent("simulate", "site", "-o", self.folder / "site", "--size", "240", "--parcel", "120", "--dates", "2", "--seed", "7")
        self.site = cluster_site(self.folder / "site" / "site.yaml", "train: {trees: 5}\n")
        self.run_id = arpent("run", "start", "-f", self.site, "--detach", *self.arguments, env=self.client).stdout.strip()

    def caller(self, role):
        return Caller(self.folder, self.secrets.get(role, "of-nobody" if role else None))

    def test_attacks_get_nothing_and_nothing_secret_shows(self):
        self.check_rights()
        self.check_paths()
        self.check_sizes()
        self.check_leases()
        self.worker.start(wait=False)
        ended = arpent("--output", "json", "run", "watch", self.run_id, *self.arguments, env=self.client)
        run = json.loads(ended.stdout)["run"]
        self.assertEqual(run["state"], "RUN_STATE_SUCCEEDED")
        self.assertTrue(ledger_adds_up(run))
        self.check_secrets(ended.stdout)

    def check_rights(self):
        stop = f'run_id: "{self.run_id}"'
        calls = [("coordinator", "arpent.run.v1.RunService/CancelRun", stop), ("coordinator", "arpent.site.v1.SiteService/DeleteSite", 'name: "x"'),
                 ("cache", "arpent.cache.v1.CacheService/Delete", 'store: "output" path: "x"')]
        for role, expected in ((None, UNAUTHENTICATED), ("stranger", UNAUTHENTICATED), ("reader", PERMISSION_DENIED), ("worker", PERMISSION_DENIED)):
            for server, method, text in calls:
                status, _ = self.caller(role).call(getattr(self, server).address, method, text)
                self.assertEqual(status, expected, f"{role} calls {method}")
        status, _ = self.caller("reader").call(self.coordinator.address, SYNCHRONIZE, 'worker_id: "w"')
        self.assertEqual(status, PERMISSION_DENIED, "a reader works")
        status, _ = self.caller("reader").call(self.coordinator.address, "arpent.run.v1.RunService/ListRuns")
        self.assertEqual(status, "0", "a reader looks")

    def check_paths(self):
        (self.folder / "outside").write_text("not in the store")
        stat = "arpent.cache.v1.CacheService/Stat"
        for path in ("../outside", "x/../../outside", "..", "x//../../outside"):
            status, _ = self.caller("worker").call(self.cache.address, stat, f'store: "output" path: "{path}"')
            self.assertEqual(status, INVALID_ARGUMENT, path)
        status, _ = self.caller("worker").call(self.cache.address, stat, f'store: "output" path: "{self.folder}/outside"')
        self.assertEqual(status, NOT_FOUND, "a path of the machine is one below the store's root")

    def check_sizes(self):
        reader = self.caller("reader")
        status, _ = reader.call(self.cache.address, "arpent.cache.v1.CacheService/Stat", f'store: "output" path: "{"x" * (65 << 20)}"')
        self.assertEqual(status, RESOURCE_EXHAUSTED, "a message of 65 MiB")
        self.assertEqual(reader.call(self.coordinator.address, "arpent.run.v1.RunService/ListRuns")[0], "0")

    def check_leases(self):
        """A worker that leases a task, one that does not, and an older fencing token."""
        worker = self.caller("worker")
        about = 'host: "h" version: "v" slots: 1 memory_bytes: 4000000000 stages: "discover@1" max_wait {seconds: 20}'
        status, answer = worker.call(self.coordinator.address, SYNCHRONIZE, f'worker_id: "honest" {about}')
        self.assertEqual(status, "0")
        fields = dict(line.strip().split(": ") for line in answer.splitlines() if line.startswith(("  task_id:", "  fencing_token:")))
        task, token = fields["task_id"], int(fields["fencing_token"])

        def failed_by(name, with_token):
            return f'worker_id: "{name}" finished {{task_id: {task} fencing_token: {with_token} failed {{code: "INVALID_ARGUMENT" message: "a lie"}}}}'
        for name, with_token in (("thief", token), ("honest", token - 1), ("honest", token + 1)):
            status, answer = worker.call(self.coordinator.address, SYNCHRONIZE, failed_by(name, with_token))
            self.assertEqual(status, "0")
            self.assertIn("stale: true", answer, f"{name} ended the task with fencing token {with_token} of {token}")
        status, answer = worker.call(self.coordinator.address, SYNCHRONIZE,
                                     f'worker_id: "honest" finished {{task_id: {task} fencing_token: {token} returned {{}}}} draining: true')
        self.assertEqual(status, "0")
        self.assertNotIn("stale: true", answer, "who leases a task may hand it back")

    def check_secrets(self, told):
        texts = {service.log.name: service.log.read_text() for service in (self.cache, self.coordinator, self.worker)}
        for service in (self.cache, self.coordinator, self.worker):
            texts[f"metrics of {service.log.stem}"] = metrics(service.metrics_address())
        texts |= {str(path): path.read_text() for path in (self.folder / "output").rglob("*.json")}
        self.assertTrue(any(name.endswith("item.json") for name in texts))
        password = secrets.token_hex(16)
        state = f"postgresql://arpent:{password}@127.0.0.1:1/arpent"
        away = Service("arpent-coordinator", "--state", state, "--listen", "127.0.0.1:0", *FREE_METRICS_PORT, log=self.folder / "away.log")
        away.start(wait=False)
        self.addCleanup(away.stop)
        deadline = time.monotonic() + 60
        while "Connection refused" not in away.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        texts["a coordinator without its database"] = away.log.read_text()
        self.assertIn("Connection refused", away.log.read_text())
        texts["help"] = subprocess.run([BIN / "arpent-coordinator", "--help"], env={**os.environ, "ARPENT_STATE": state}, capture_output=True,
                                       text=True, check=True).stdout
        texts["the client"] = told
        for secret in (*self.secrets.values(), password):
            self.assertEqual([name for name, text in texts.items() if secret in text], [])


if __name__ == "__main__":
    unittest.main()
