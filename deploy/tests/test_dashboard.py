"""The Grafana dashboard and the alerts: each query has an answer over metrics that the real report wrote."""

import collections
import itertools
import json
import math
import pathlib
import re
import tempfile
import unittest

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard

import history
from programs import DEPLOY, run, server

DASHBOARD = json.loads((DEPLOY / "grafana/fargate.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]

# What Grafana puts in for its variables: all managers, four times the interval between two samples, the time range.
VARIABLES = {
    "$instance": ".*",
    "$__rate_interval": f"{4 * history.STEP}s",
    "$__range": f"{history.END - history.BEGIN}s",
}


# What Grafana writes and reads, and its types of that version do not name.
UNTYPED = {"/id", "/panels/options/tooltip/mode", "/templating/list/definition"}


def members(value, path=""):
    """Each member of a JSON document with its value, by the path to it without numbers."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from members(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, path)
    else:
        yield path, value


def filled_in(expression):
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.history = history.History(folder)
        cls.history.record()
        command, url, log = history.prometheus(cls.history, folder)
        cls.enterClassContext(server(command, f"{url}/-/ready", log))
        cls.prometheus = history.Prometheus(url)

    def value(self, expression):
        """The one value of an expression at the end."""
        answer = self.prometheus.ask("query", query=filled_in(expression), time=history.END)["result"]
        self.assertEqual(len(answer), 1, f"{expression}: {answer}")
        return float(answer[0]["value"][1])

    def test_every_query_has_an_answer(self):
        asked = 0
        for panel, target in TARGETS:
            expression = filled_in(target["expr"])
            with self.subTest(panel=panel["title"], expression=expression):
                if target.get("instant"):
                    answer = self.prometheus.ask("query", query=expression, time=history.END)["result"]
                    values = [series["value"] for series in answer]
                else:
                    times = {"start": history.BEGIN + history.STEP, "end": history.END, "step": history.STEP}
                    answer = self.prometheus.ask("query_range", query=expression, **times)["result"]
                    values = [value for series in answer for value in series["values"]]
                    self.assertGreater(len(values), history.STEPS // 2, "a graph with gaps")
                self.assertTrue(any(not math.isnan(float(value)) for _, value in values), "no answer")
                for label in re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")):
                    self.assertTrue(all(label in series["metric"] for series in answer), f"the legend's {label}")
            asked += 1
        self.assertGreater(asked, 15)

    def test_figures_are_those_of_the_ledger(self):
        by_title = {panel["title"]: panel["targets"][0]["expr"] for panel in PANELS}
        # All but the first step's, which Prometheus has no earlier sample of.
        self.assertAlmostEqual(self.value(by_title["Attempts"]), self.history.attempts, delta=0.5)
        self.assertAlmostEqual(self.value(by_title["Failed by the system"]), 1 / 7, delta=0.01)
        self.assertAlmostEqual(self.value(by_title["Age of the figures"]), history.AGE, delta=0.01)
        # Starts of the ledger take 32 to 41 s.
        self.assertTrue(30 < self.value(by_title["Half of the starts take"]) <= 45)

    def test_the_choice_of_managers_finds_them(self):
        variable = next(one for one in DASHBOARD["templating"]["list"] if one["type"] == "query")
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
        found = self.prometheus.ask("series", **{"match[]": metric, "start": history.BEGIN, "end": history.END})
        self.assertEqual({series[label] for series in found}, {"manager-1"})

    def test_node_exporter_reads_the_file(self):
        errors = [samples for (name, _), samples in self.history.series.items() if name == "node_textfile_scrape_error"]
        self.assertEqual({value for _, value in errors[0]}, {"0"})
        with self.history.page.open() as page:
            run("promtool", "check", "metrics", stdin=page)

    def test_alerts_are_about_metrics_that_there_are(self):
        rules = run("promtool", "check", "rules", DEPLOY / "prometheus/alerts.yml")
        self.assertIn("SUCCESS", rules)
        names = set(re.findall(r"\b(?:fargate|node_textfile)_[a-z_]+", (DEPLOY / "prometheus/alerts.yml").read_text()))
        self.assertEqual(names - {name for name, _ in self.history.series}, set())


class Shape(unittest.TestCase):
    """What Grafana wants of the file, as far as it can be told without Grafana."""

    def test_the_dashboard_can_be_imported(self):
        self.assertIsNone(DASHBOARD["id"])
        self.assertRegex(DASHBOARD["uid"], r"^[a-zA-Z0-9_-]{8,40}$")
        self.assertGreaterEqual(DASHBOARD["schemaVersion"], 36)
        self.assertEqual(DASHBOARD["templating"]["list"][0]["type"], "datasource")
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel, target in TARGETS:
            self.assertEqual(target["datasource"]["uid"], "${datasource}", panel["title"])
            self.assertIn("$instance", target["expr"], panel["title"])
            self.assertTrue(panel["description"].endswith("."), panel["title"])

    def test_grafanas_types_have_every_member(self):
        register_default_plugins()
        read = GrafanaDashboard.from_json(DASHBOARD)
        written = json.loads(JSONEncoder().encode(read))
        given = collections.Counter(members(DASHBOARD))
        lost = given - collections.Counter(members(written))
        self.assertEqual({path for path, _ in lost}, UNTYPED)
        self.assertGreater(len(given), 200)

    def test_panels_lie_side_by_side(self):
        places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
        for place in places:
            self.assertLessEqual(place["x"] + place["w"], 24)
        for one, two in itertools.combinations(places, 2):
            apart = (one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
                     or one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"])
            self.assertTrue(apart, f"{one} and {two}")

    def test_every_alert_fires_and_a_healthy_manager_causes_none(self):
        run("promtool", "test", "rules", DEPLOY / "prometheus/alerts_test.yml")
        rules, tests = ((DEPLOY / f"prometheus/{name}.yml").read_text() for name in ("alerts", "alerts_test"))
        for alert in re.findall(r"- alert: (\w+)", rules):
            self.assertRegex(tests, rf"alertname: {alert}\n +exp_alerts:\n +- exp_labels", "no test lets it fire")


if __name__ == "__main__":
    unittest.main()
