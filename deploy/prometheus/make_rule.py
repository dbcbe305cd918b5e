#!/usr/bin/env python3
"""Writes rule.yaml, the Prometheus operator's resource, from alerts.yml.

usage: make_rule.py [--check]     --check fails if the file is not what this would write
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
HEAD = """# Written by make_rule.py from alerts.yml; do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: case2code, namespace: case2code}
spec:
"""

lines = [line for line in (HERE / "alerts.yml").read_text().splitlines() if not line.startswith("#")]
text = HEAD + "".join(f"  {line}\n" if line else "\n" for line in lines)
if "--check" not in sys.argv[1:]:
    (HERE / "rule.yaml").write_text(text)
elif (HERE / "rule.yaml").read_text() != text:
    sys.exit("deploy/prometheus/rule.yaml is not what make_rule.py writes")
