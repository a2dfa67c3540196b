"""Two hours of a manager's metrics: the real `fargate report` writes them, the real node_exporter reads them, and
Prometheus keeps them."""

import datetime
import json
import os
import re
import urllib.parse

import ledger
from programs import fargate, free_port, get, run, server

STEP = 300
STEPS = 25
BEGIN = int(datetime.datetime(2026, 11, 10, 8, tzinfo=datetime.timezone.utc).timestamp())
END = BEGIN + (STEPS - 1) * STEP
JOBS_PER_STEP = 4
# How old the file of metrics is when Prometheus comes by.
AGE = 20

CONFIG = """
[Fargate]
  Cluster = "ci"
  Region = "eu-central-1"
  Subnet = "subnet-0a1b2c3d"
  SecurityGroup = "sg-0a1b2c3d"
  TaskDefinition = "job:1"
[SSH]
  Username = "root"
[TaskMetadata]
  Directory = "{folder}/metadata"
"""

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


class History:
    """What node_exporter showed at each step, by family and series."""

    def __init__(self, folder):
        self.folder = folder
        self.types = {}
        self.series = {}
        self.page = folder / "textfiles/fargate.prom"
        self.attempts = 0

    def record(self):
        """Lets the morning pass."""
        (self.folder / "textfiles").mkdir()
        (self.folder / "metadata/ledger").mkdir(parents=True, mode=0o700)
        os.chmod(self.folder / "metadata", 0o700)
        (self.folder / "fargate.toml").write_text(CONFIG.format(folder=self.folder))
        address = f"127.0.0.1:{free_port()}"
        command = ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile"]
        command += [f"--collector.textfile.directory={self.page.parent}", f"--web.listen-address={address}"]
        with server(command, f"http://{address}/", self.folder / "node_exporter.log"):
            for step in range(STEPS):
                self._pass(step)
                self._scrape(get(f"http://{address}/metrics"), BEGIN + step * STEP)

    def _pass(self, step):
        now = BEGIN + step * STEP
        # A manager without a job has metrics, too.
        if step > 0:
            numbers = range(self.attempts, self.attempts + JOBS_PER_STEP)
            lines = [ledger.attempt(number, now * 1000 - 5_000) for number in numbers]
            lines += [ledger.orphan(number, now * 1000) for number in numbers if number % 24 == 23]
            ledger.append(self.folder / "metadata/ledger/2026-11.jsonl", lines)
            self.attempts += JOBS_PER_STEP
        run(fargate(), "--config", self.folder / "fargate.toml", "report", "--metrics", self.page)
        os.utime(self.page, (now - AGE, now - AGE))

    def _scrape(self, text, now):
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split()
                self.types[family] = kind
            elif sample := SAMPLE.match(line):
                name, labels, value = sample.groups()
                if not name.startswith(("fargate_", "node_textfile_")):
                    continue
                labels = ",".join(filter(None, [labels, 'instance="manager-1"', 'job="node"']))
                self.series.setdefault((name, labels), []).append((now, value))

    def open_metrics(self):
        """All samples with their times, in the form that promtool makes blocks of."""
        lines = []
        for family, kind in self.types.items():
            names = [family + ending for ending in ("", "_bucket", "_sum", "_count")]
            own = [key for key in self.series if key[0] in names]
            if not own:
                continue
            lines.append(f"# TYPE {family.removesuffix('_total') if kind == 'counter' else family} {kind}")
            for name, labels in own:
                lines += [f"{name}{{{labels}}} {value} {time}" for time, value in self.series[name, labels]]
        return "\n".join(lines) + "\n# EOF\n"


class Prometheus:
    """The address of a Prometheus that has the history."""

    def __init__(self, url):
        self.url = url

    def ask(self, path, **parameters):
        reply = json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert reply["status"] == "success", reply
        return reply["data"]


def prometheus(history, folder):
    """The command of a server over the history, its address, and the file of its log."""
    (folder / "history.om").write_text(history.open_metrics())
    run("promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "history.om", folder / "data")
    (folder / "prometheus.yml").write_text("global: {}\n")
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += ["--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]
    return command, f"http://{address}", folder / "prometheus.log"
