"""PostgreSQL and an S3-compatible store on an address of this machine that the pods under test reach. Debian's packages
postgresql, swift-proxy and their kin; both need root."""
import os
import pathlib
import re
import subprocess
import time

from sites import say

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"


def run(command, **options):
    process = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=300, **options)
    if process.returncode != 0:
        raise AssertionError(f"{command}\n{process.stdout}\n{process.stderr}")
    return process.stdout


class Backends:
    """with Backends(folder, "10.0.0.1") as backends: both run (or the S3 server alone), and the buckets input and output are
    there."""

    def __init__(self, folder, host, s3_port=18180, database_port=15432, database=True):
        self.with_database = database
        self.folder, self.host, self.s3_port, self.database_port = pathlib.Path(folder) / "backends", host, s3_port, database_port
        self.database = f"postgresql://arpent:system-test@{host}:{database_port}/arpent"
        self.endpoint = f"http://{host}:{s3_port}"

    def __enter__(self):
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.folder.parent.chmod(0o755)
        try:
            if self.with_database:
                self._start_database()
            self._start_s3()
        except BaseException:
            self.__exit__()
            raise
        say(f"{'PostgreSQL and an' if self.with_database else 'An'} S3 server listens on {self.host}")
        return self

    def __exit__(self, *_):
        subprocess.run([str(TOOLS / "s3_server"), "stop", str(self.folder / "s3")], capture_output=True)
        if (self.folder / "database" / "data").exists():
            subprocess.run(self._as_postgres("pg_ctl -D data -m immediate stop"), shell=True, capture_output=True)

    def _as_postgres(self, command):
        programs = max(pathlib.Path("/usr/lib/postgresql").iterdir()) / "bin"
        user = "setpriv --reuid postgres --clear-groups" if os.geteuid() == 0 else ""
        return f"cd {self.folder}/database && {user} {programs}/{command}"

    def _start_database(self):
        place = self.folder / "database"
        place.mkdir()
        if os.geteuid() == 0:
            run(f"chown postgres {place}")
        run(self._as_postgres("initdb -D data -U arpent -A trust --no-sync"))
        with (place / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all arpent 0.0.0.0/0 scram-sha-256\n")
        run(self._as_postgres(f"pg_ctl -D data -w -l log -o '-k {place} -p {self.database_port} "
                              f"-c listen_addresses={self.host} -c fsync=off' start"))
        self.query("ALTER USER arpent PASSWORD 'system-test'", "postgres")
        self.query("CREATE DATABASE arpent", "postgres")

    def query(self, sql, database="arpent"):
        return run(self._as_postgres(f'psql -h {self.folder}/database -p {self.database_port} -U arpent -d {database} -At -c "{sql}"')
                   ).strip()

    def leader(self, other_than=""):
        """The coordinator that leads; waits until one does, and not the one named."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            holder = self.query("SELECT holder FROM leader WHERE expiry > now()")
            if holder and holder != other_than:
                return holder
            time.sleep(0.5)
        raise AssertionError(f"nobody leads{' but ' * bool(other_than)}{other_than}")

    def _start_s3(self):
        text = run(f"{TOOLS}/s3_server start {self.folder}/s3 {self.s3_port}", env={**os.environ, "S3_BIND": self.host})
        variables = dict(re.findall(r"(AWS_\w+)=(\S+)", text))
        for bucket in ("input", "output"):
            run(f"/usr/bin/python3 -c \"from osgeo import gdal; gdal.UseExceptions(); gdal.Mkdir('/vsis3/{bucket}', 493)\"",
                env={**os.environ, **variables})
        self.credentials_file = self.folder / "credentials"
        self.credentials_file.write_text(f"[default]\naws_access_key_id = {variables['AWS_ACCESS_KEY_ID']}\n"
                                         f"aws_secret_access_key = {variables['AWS_SECRET_ACCESS_KEY']}\n")
