#!/usr/bin/python3
"""Evaluates every variable and every panel query of Grafana dashboards against a live Prometheus.

check_panels.py URL DASHBOARD.json...: a query fails when Prometheus refuses it, when it finds nothing or only NaN, or when
its legend names a label that a series lacks. A panel whose description says "Empty where" may find nothing.
"""
import json
import math
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

LABEL_VALUES = re.compile(r"^label_values\((?:(.*),\s*)?(\w+)\)$", re.S)
LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "15m"}
RANGE_SECONDS, STEP_SECONDS = 120, 5


class Prometheus:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from None

    def label_values(self, label, selector):
        return self.get(f"label/{label}/values", **({"match[]": selector} if selector else {}))

    def evaluate(self, expression, instant):
        """[(labels, [number])] of the series that the query finds."""
        now = time.time()
        if instant:
            return [(s["metric"], [float(s["value"][1])]) for s in self.get("query", query=expression, time=now)["result"]]
        data = self.get("query_range", query=expression, start=now - RANGE_SECONDS, end=now, step=STEP_SECONDS)
        return [(s["metric"], [float(v) for _, v in s["values"]]) for s in data["result"]]


def as_regex(value):
    """A value as Grafana writes it into a matcher's string."""
    return re.sub(r"([\\^$*+?.()|\[\]{}])", r"\\\\\1", value)


def expand(text, values):
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), text)


def variables(prometheus, dashboard):
    """({name: text that stands in its place when All or the default is chosen}, [what is wrong])."""
    values, wrong = dict(BUILT_IN), []
    for variable in dashboard["templating"]["list"]:
        name = variable["name"]
        if variable["type"] != "query":
            values[name] = variable["current"]["value"]
            continue
        query = variable["query"]["query"]
        parsed = LABEL_VALUES.match(query)
        found = prometheus.label_values(parsed[2], expand(parsed[1] or "", values)) if parsed else []
        if not found:
            wrong.append(f"variable {name}: '{query}' finds nothing")
        values[name] = variable.get("allValue") or "|".join(map(as_regex, found))
    return values, wrong


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def check_query(prometheus, panel, target, values):
    """(what is wrong or "", a word about what was found)."""
    try:
        series = prometheus.evaluate(expand(target["expr"], values), target.get("instant", False))
    except ValueError as error:
        return str(error), ""
    numbers = [value for _, found in series for value in found if not math.isnan(value)]
    if not numbers:
        if "Empty where" in panel.get("description", ""):
            return "", "empty, as its description allows"
        return "finds nothing" if not series else "finds only NaN", ""
    lacking = {label for label in LEGEND_LABEL.findall(target.get("legendFormat", ""))
               if any(label not in labels for labels, _ in series)}
    if lacking:
        return f"its legend names {', '.join(sorted(lacking))}, which its series lack", ""
    return "", f"{len(series)} series, {len(numbers)} numbers{'' if any(numbers) else ', all 0'}"


def check(url, files):
    prometheus, queries, failed = Prometheus(url), 0, 0
    for file in files:
        with open(file) as text:
            dashboard = json.load(text)
        values, wrong = variables(prometheus, dashboard)
        for sentence in wrong:
            print(f"FAIL {dashboard['title']}: {sentence}")
        failed += len(wrong)
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                queries += 1
                problem, found = check_query(prometheus, panel, target, values)
                failed += bool(problem)
                print(f"{'FAIL' if problem else 'ok  '} {dashboard['title']}: {panel['title']}: {problem or found}")
    print(f"{queries} queries of {len(files)} dashboards, {failed} failed")
    return failed == 0 and queries > 0


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1], sys.argv[2:]) else 1)
