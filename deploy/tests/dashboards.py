#!/usr/bin/env python3
"""Runs every query of every dashboard and alert against a Prometheus that scrapes a running fleet.

usage: dashboards.py http://127.0.0.1:9099 [--minutes 5] [--picture FILE.png --only pipeline]

Fails if a query is refused, if one returns nothing that is not in EMPTY below, or if a metric is named that no scrape
has. --picture draws what the panels would show (needs matplotlib).
"""
import argparse
import json
import pathlib
import re
import sys
import time
import urllib.parse
import urllib.request

DEPLOY = pathlib.Path(__file__).parent.parent
# Panels that show nothing while all is well, or once it is over.
EMPTY = {"Pipeline/Time left", "Pipeline/Items with an outcome", "Pipeline/Rejected, by reason",
         "Execution/Opening a sandbox, 90 %"}
# Series that exist only once the thing has happened.
UNSEEN = {"case2code_writer_asked_again_total", "case2code_writer_repairs_total"}
NAME = re.compile(r"\b((?:case2code|rabbitmq|process)_[a-z0-9_]+)\b")


def ask(server, path, **parameters):
    url = f"{server}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{parameters.get('query', path)}: {error.read().decode()}")


def filled(expr):
    for name, value in (("$__rate_interval", "30s"), ("$run", ".*"), ("$instance", ".*")):
        expr = expr.replace(name, value)
    return expr


def panels():
    for path in sorted(DEPLOY.glob("grafana/dashboards/*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            assert panel.get("description"), f"{path}: {panel['title']} has no description"
            assert panel["fieldConfig"]["defaults"].get("unit"), f"{path}: {panel['title']} has no unit"
            yield board["title"].split(": ")[-1], panel


def series(server, expr, minutes, end):
    data = ask(server, "query_range", query=filled(expr), start=end - 60 * minutes, end=end, step=5)
    return [row for row in data["result"] if any(value != "NaN" for _, value in row["values"])]


def legend(target, labels):
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), target["legendFormat"])


def draw(server, minutes, end, only, file):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    chosen = [panel for board, panel in panels() if board.lower() == only.lower()]
    figure, axes = pyplot.subplots(-(-len(chosen) // 3), 3, figsize=(22, 3.4 * -(-len(chosen) // 3)))
    for axis, panel in zip(axes.flat, chosen):
        for target in panel["targets"]:
            for row in series(server, target["expr"], minutes, end):
                moments = [(at - end) / 60 for at, _ in row["values"]]
                axis.plot(moments, [float(value) for _, value in row["values"]], label=legend(target, row["metric"]))
        axis.set_title(f"{panel['title']} [{panel['fieldConfig']['defaults']['unit']}]", fontsize=10)
        axis.set_ylim(bottom=0)
        if axis.lines:
            axis.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(file, dpi=55)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--picture")
    parser.add_argument("--only", default="pipeline")
    options = parser.parse_args()
    end, wrong, asked, empty = time.time(), [], 0, []
    known = set(ask(options.server, "label/__name__/values"))
    named = set()
    for board, panel in panels():
        for target in panel["targets"]:
            named |= set(NAME.findall(target["expr"]))
            asked += 1
            if not series(options.server, target["expr"], options.minutes, end):
                place = f"{board}/{panel['title']}"
                names = set(NAME.findall(target["expr"]))
                (empty if place in EMPTY or names <= UNSEEN else wrong).append(f"{place}: {filled(target['expr'])}")
    alerts = 0
    for group in ask(options.server, "rules", type="alert")["groups"]:
        for rule in group["rules"]:
            alerts += 1
            named |= set(NAME.findall(rule["query"]))
            if rule["health"] != "ok":
                wrong.append(f"alert {rule['name']}: {rule['health']} {rule.get('lastError', '')}")
    if not alerts:
        wrong.append("Prometheus has no alert rules")
    wrong += [f"no scrape has {name}" for name in sorted(named - known - UNSEEN)]
    if options.picture:
        draw(options.server, options.minutes, end, options.only, options.picture)
    print(f"{asked} queries, {len(empty)} empty as they may be, {alerts} alerts, {len(named)} metrics, {len(wrong)} wrong")
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


main()
