#!/usr/bin/env python3
"""Writes dashboards/*.json from the tables below: a panel is a title, a unit, what it is for, and its queries.

usage: make_dashboards.py [--check]     --check fails if the files are not what this would write
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent / "dashboards"
RUN = 'run=~"$run"'
I = 'run=~"$run", instance=~"$instance"'
QUEUES = r'queue=~"($run)\\.(functions|inputs|outcomes|repairs)"'

PIPELINE = [
    ("Time left", "s", "stat", "Items without an outcome over the rate of outcomes. Empty until submit is done: only then the number of items is known.",
     [(f"(max by (run) (case2code_sink_items{{{RUN}}} > 0) - max by (run) (case2code_sink_outcomes_total{{{RUN}}})) / sum by (run) (rate(case2code_sink_outcomes_total{{{RUN}}}[$__rate_interval]))", "{{run}}")]),
    ("Items with an outcome", "percentunit", "stat", "How far the run is. Empty until submit is done.",
     [(f"max by (run) (case2code_sink_outcomes_total{{{RUN}}}) / max by (run) (case2code_sink_items{{{RUN}}} > 0)", "{{run}}")]),
    ("Samples written", "short", "stat", "Rows in shards that are done. They may be used already.",
     [(f"sum by (run) (case2code_sink_samples_total{{{RUN}}})", "{{run}}")]),
    ("Since the last outcome", "s", "stat", "More than some minutes, with queues that are not empty: something is stuck. The alert is NoProgress.",
     [(f"time() - max by (run) (case2code_sink_last_progress_timestamp_seconds{{{RUN}}})", "{{run}}")]),
    ("Records handed on, by stage", "ops", "timeseries", "The stages move at the pace of the slowest. One line below the others with a queue before it is the bottleneck.",
     [(f"sum by (stage) (rate(case2code_stage_done_total{{{I}}}[$__rate_interval]))", "{{stage}}"),
      (f"sum(rate(case2code_sink_outcomes_total{{{I}}}[$__rate_interval]))", "sink"),
      (f"sum(rate(case2code_submit_items_total{{{I}}}[$__rate_interval]))", "submit")]),
    ("Where is the bottleneck? What is in use", "percentunit", "timeseries", "What does the work, in use over what there is. LLM servers near 100 %: more GPUs make it faster. Sandboxes near 100 %: more worker-exec do.",
     [(f"sum(case2code_llm_in_flight{{{I}}}) / sum(case2code_llm_limit{{{I}}})", "LLM servers"),
      (f"sum(avg_over_time(case2code_exec_slots_busy{{{I}}}[1m])) / sum(case2code_exec_slots{{{I}}})", "sandboxes")]),
    ("Records that workers hold", "percentunit", "timeseries", "Of what they would hold at once. Near 0 with a long queue: the stage is stuck. It says nothing of who is slow: a worker holds more than its servers can do.",
     [(f"sum by (stage) (case2code_stage_in_flight{{{I}}}) / sum by (stage) (case2code_stage_slots{{{I}}})", "{{stage}}")]),
    ("Messages in queues", "short", "timeseries", "Ready and unacknowledged. The longest queue stands before the bottleneck.",
     [(f"sum by (queue) (rabbitmq_detailed_queue_messages{{{QUEUES}}})", "{{queue}}")]),
    ("Wait in queue, 90 %", "s", "timeseries", "From publishing to taking. Grows before the bottleneck.",
     [(f"histogram_quantile(0.9, sum by (stage, le) (rate(case2code_stage_queue_wait_seconds_bucket{{{I}}}[$__rate_interval])))", "{{stage}}")]),
    ("Work on a record", "s", "timeseries", "Median and 90 %, without queues. If it grows at the same load, the service behind the stage is slow.",
     [(f"histogram_quantile(0.5, sum by (stage, le) (rate(case2code_stage_duration_seconds_bucket{{{I}}}[$__rate_interval])))", "{{stage}} 50 %"),
      (f"histogram_quantile(0.9, sum by (stage, le) (rate(case2code_stage_duration_seconds_bucket{{{I}}}[$__rate_interval])))", "{{stage}} 90 %")]),
    ("Rejected, by reason", "short", "timeseries", "As workers turn them down, in the last quarter of an hour. A reason that takes over: read its rows in rejected/.",
     [(f"sum by (stage, outcome) (increase(case2code_stage_done_total{{{I}, outcome!~\"pass|repair\"}}[15m])) > 0", "{{stage}}: {{outcome}}"),
      (f"sum by (outcome) (increase(case2code_submit_items_total{{{I}, outcome!=\"function\"}}[15m])) > 0", "collect: {{outcome}}")]),
    ("Rejected in written shards", "short", "bar", "Of the whole run so far, the assembler's reasons among them.",
     [(f"sum by (stage, reason) (case2code_sink_rejected_total{{{RUN}}}) > 0", "{{stage}}: {{reason}}")]),
    ("Yield", "percentunit", "timeseries", "Functions that became samples, of all items in written shards.",
     [(f"sum by (run) (case2code_sink_accepted_total{{{RUN}}}) / (sum by (run) (case2code_sink_accepted_total{{{RUN}}}) + sum by (run) (case2code_sink_rejected_total{{{RUN}}}))", "{{run}}")]),
    ("Duplicates and dead letters", "short", "timeseries", "Duplicates: connections were lost, harmless. Set aside: read `case2code dead`.",
     [(f"sum by (run) (case2code_sink_duplicates_total{{{RUN}}})", "duplicates"),
      (f"sum by (run) (case2code_sink_set_aside_total{{{RUN}}})", "set aside")]),
    ("Shards", "short", "timeseries", "Written and open. Many open ones for long: some item is missing in each, see `case2code status`.",
     [(f"max by (run) (case2code_sink_shards_total{{{RUN}}})", "written"), (f"max by (run) (case2code_sink_open_shards{{{RUN}}})", "open")]),
    ("Attempts that a service failed", "ops", "timeseries", "Unavailable: look at the service. Failed: it works, but not on these records.",
     [(f"sum by (stage, reason) (rate(case2code_stage_failed_total{{{I}}}[$__rate_interval]))", "{{stage}}: {{reason}}")]),
    ("Sink: room on disk", "bytes", "timeseries", "The alert SinkDisk comes at 5 GB.",
     [(f"min by (run) (case2code_sink_disk_free_bytes{{{RUN}}})", "{{run}}")]),
    ("Disk errors", "ops", "timeseries", "Batches that the disk refused. Nothing is lost; free the disk.",
     [(f"sum by (run) (rate(case2code_sink_disk_errors_total{{{RUN}}}[$__rate_interval]))", "{{run}}")]),
    ("Window full", "bool", "timeseries", "1: submit waits for the workers. Gone once everything is submitted.",
     [(f"max by (run) (case2code_submit_window_full{{{RUN}}})", "{{run}}")]),
    ("Processes", "short", "table", "How many of each program and version are up. Two versions for long: finish the upgrade.",
     [(f"count by (process, version) (case2code_process_info{{{RUN}}})", "{{process}} {{version}}")]),
]
LLM = [
    ("Requests at the servers, of the limit", "percentunit", "timeseries", "Near 100 %: the servers are kept as full as they can be, more GPUs make it faster. Far below with a long queue: this client is held up.",
     [(f"sum by (endpoint) (case2code_llm_in_flight{{{I}}}) / sum by (endpoint) (case2code_llm_limit{{{I}}})", "{{endpoint}}")]),
    ("Requests at the servers", "short", "timeseries", "In flight and the adaptive limit. A limit that falls: the server is full.",
     [(f"sum by (endpoint) (case2code_llm_in_flight{{{I}}})", "{{endpoint}}"), (f"sum by (endpoint) (case2code_llm_limit{{{I}}})", "{{endpoint}} limit")]),
    ("Tokens a second", "short", "timeseries", "What the servers give. Level under load: they are full.",
     [(f"sum(rate(case2code_llm_prompt_tokens_total{{{I}}}[$__rate_interval]))", "prompt"),
      (f"sum(rate(case2code_llm_completion_tokens_total{{{I}}}[$__rate_interval]))", "completion"),
      (f"sum(rate(case2code_llm_cached_tokens_total{{{I}}}[$__rate_interval]))", "of the prompt, cached by the server")]),
    ("Time to an answer", "s", "timeseries", "Median and 90 %. Grows with load: compare with the tokens a second.",
     [(f"histogram_quantile(0.5, sum by (endpoint, le) (rate(case2code_llm_answer_seconds_bucket{{{I}}}[$__rate_interval])))", "{{endpoint}} 50 %"),
      (f"histogram_quantile(0.9, sum by (endpoint, le) (rate(case2code_llm_answer_seconds_bucket{{{I}}}[$__rate_interval])))", "{{endpoint}} 90 %")]),
    ("Time to the first byte, 90 %", "s", "timeseries", "Servers that do not stream send it with the last.",
     [(f"histogram_quantile(0.9, sum by (endpoint, le) (rate(case2code_llm_first_byte_seconds_bucket{{{I}}}[$__rate_interval])))", "{{endpoint}}")]),
    ("Functions that wait", "short", "timeseries", "The queue before the LLM workers.",
     [('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"($run)\\\\.(functions|functions\\\\.retry|repairs)"})', "{{queue}}")]),
    ("Waiting for room, requests", "short", "timeseries", "Requests that wait on average. More workers only make this longer once the servers are full.",
     [(f"sum by (model) (rate(case2code_llm_waiting_seconds_total{{{I}}}[$__rate_interval]))", "{{model}}")]),
    ("Calls and retries", "ops", "timeseries", "Retries that go on: look at that server's log.",
     [(f"sum by (endpoint) (rate(case2code_llm_calls_total{{{I}}}[$__rate_interval]))", "{{endpoint}}"),
      (f"sum by (endpoint) (rate(case2code_llm_retries_total{{{I}}}[$__rate_interval]))", "{{endpoint}} again")]),
    ("Servers that rest", "short", "timeseries", "Workers that leave this server alone after failures.",
     [(f"sum by (endpoint) (case2code_llm_resting{{{I}}})", "{{endpoint}}")]),
    ("Calls a function", "short", "stat", "1 is ideal. More: answers are cut short or unusable, see the next panel.",
     [(f"sum(rate(case2code_llm_calls_total{{{I}}}[15m])) / sum(rate(case2code_stage_done_total{{{I}, stage=\"write-inputs\"}}[15m]))", "calls")]),
    ("Asked again, by reason", "ops", "timeseries", "Many `salvaged`: raise --max-tokens.",
     [(f"sum by (reason) (rate(case2code_writer_asked_again_total{{{I}}}[$__rate_interval]))", "{{reason}}")]),
    ("Inputs, by how they were won", "ops", "timeseries", "Mostly `plain` or `structured` is good.",
     [(f"sum by (method) (rate(case2code_writer_written_total{{{I}}}[$__rate_interval]))", "{{method}}")]),
    ("Repairs", "ops", "timeseries", "Few that give inputs: --repair 0 saves their tokens.",
     [(f"sum by (cause, outcome) (rate(case2code_writer_repairs_total{{{I}}}[$__rate_interval]))", "{{cause}}: {{outcome}}")]),
    ("Cache, added inputs, refused schemas", "ops", "timeseries", "Hits and added inputs cost nothing. Refused schemas: use --structured off.",
     [(f"sum by (outcome) (rate(case2code_llm_cache_total{{{I}}}[$__rate_interval]))", "cache {{outcome}}"),
      (f"sum(rate(case2code_writer_mutated_inputs_total{{{I}}}[$__rate_interval]))", "added inputs"),
      (f"sum(rate(case2code_writer_schemas_refused_total{{{I}}}[$__rate_interval]))", "refused schemas")]),
    ("Cost by --price", "currencyUSD", "stat", "Since these workers started. Empty where --price is not set.",
     [(f"sum(case2code_llm_prompt_tokens_total{{{I}}}) / 1e6 * scalar(max(case2code_llm_price{{{RUN}, kind=\"prompt\"}})) + sum(case2code_llm_completion_tokens_total{{{I}}}) / 1e6 * scalar(max(case2code_llm_price{{{RUN}, kind=\"completion\"}}))", "cost")]),
]
EXECUTION = [
    ("Programs a second, by end", "ops", "timeseries", "`done` and `ended` are normal. Many `wall`: the machine is overloaded, lower --slots.",
     [(f"sum by (outcome) (rate(case2code_exec_programs_total{{{I}}}[$__rate_interval]))", "{{outcome}}")]),
    ("Slots in use", "percentunit", "timeseries", "Near 100 % with a queue: add worker-exec.",
     [(f"sum by (instance) (case2code_exec_slots_busy{{{I}}}) / sum by (instance) (case2code_exec_slots{{{I}}})", "{{instance}}")]),
    ("Outcomes of inputs", "ops", "timeseries", "Return, error, or the limit that was hit.",
     [(f"sum by (outcome) (rate(case2code_exec_outcomes_total{{{I}}}[$__rate_interval]))", "{{outcome}}")]),
    ("Time of a program", "s", "timeseries", "By the clock. Grows with more slots than cores.",
     [(f"histogram_quantile(0.5, sum by (le) (rate(case2code_exec_program_seconds_bucket{{{I}}}[$__rate_interval])))", "50 %"),
      (f"histogram_quantile(0.99, sum by (le) (rate(case2code_exec_program_seconds_bucket{{{I}}}[$__rate_interval])))", "99 %")]),
    ("Cores that programs use", "short", "timeseries", "CPU time a second of programs alone.",
     [(f"sum by (instance) (rate(case2code_exec_cpu_seconds_total{{{I}}}[$__rate_interval]))", "{{instance}}")]),
    ("Sandboxes", "short", "timeseries", "Open now. 0 while work waits: the machine gives none.",
     [(f"sum by (instance) (case2code_exec_sandboxes{{{I}}})", "{{instance}}")]),
    ("Sandboxes made", "ops", "timeseries", "Opened and failed. Failed above 0: run `case2code doctor` there.",
     [(f"sum(rate(case2code_exec_sandboxes_opened_total{{{I}}}[$__rate_interval]))", "begun"),
      (f"sum(rate(case2code_exec_sandboxes_failed_total{{{I}}}[$__rate_interval]))", "failed")]),
    ("Sandboxes retired, by reason", "short", "timeseries", "`used_up` is normal. `anomaly` and `failed_check`: a program broke its sandbox.",
     [(f"sum by (reason) (increase(case2code_exec_sandboxes_retired_total{{{I}}}[15m]))", "{{reason}}")]),
    ("Opening a sandbox, 90 %", "s", "timeseries", "Above a few seconds: the engine is overloaded. Empty while none opens.",
     [(f"histogram_quantile(0.9, sum by (le) (rate(case2code_exec_sandbox_open_seconds_bucket{{{I}}}[15m])))", "open")]),
    ("Records taken", "ops", "timeseries", "Far above those handed on: records come back, look for workers that crash.",
     [(f"sum by (stage) (rate(case2code_stage_received_total{{{I}, stage=\"execute\"}}[$__rate_interval]))", "taken"),
      (f"sum by (stage) (rate(case2code_stage_done_total{{{I}, stage=\"execute\"}}[$__rate_interval]))", "handed on")]),
]
BROKER = [
    ("Ready", "short", "timeseries", "Messages that wait, by queue.",
     [(f"sum by (queue) (rabbitmq_detailed_queue_messages_ready{{{QUEUES}}})", "{{queue}}")]),
    ("Unacknowledged", "short", "timeseries", "What consumers hold.",
     [(f"sum by (queue) (rabbitmq_detailed_queue_messages_unacked{{{QUEUES}}})", "{{queue}}")]),
    ("Consumers", "short", "timeseries", "0 with messages that wait: the alert QueueWithoutConsumers.",
     [(f"sum by (queue) (rabbitmq_detailed_queue_consumers{{{QUEUES}}})", "{{queue}}")]),
    ("Dead letters and retries", "short", "timeseries", "`.dead`: read `case2code dead`. The others wait 5 s and come back.",
     [('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"($run)\\\\.(dead|.+\\\\.retry)"})', "{{queue}}")]),
    ("Publishes", "ops", "timeseries", "By queue and outcome. Failures that go on: the broker refuses or is out of reach.",
     [(f"sum by (queue, outcome) (rate(case2code_broker_publishes_total{{{I}}}[$__rate_interval]))", "{{queue}} {{outcome}}")]),
    ("Confirm, 99 %", "s", "timeseries", "Above a second: the broker's disk is too slow, or an alarm blocks it.",
     [(f"histogram_quantile(0.99, sum by (queue, le) (rate(case2code_broker_confirm_seconds_bucket{{{I}}}[$__rate_interval])))", "{{queue}}")]),
    ("Publishes in flight", "short", "timeseries", "Above 0 with no confirms: the alert PublisherBlocked.",
     [(f"sum by (instance) (case2code_broker_publishes_in_flight{{{I}}})", "{{instance}}")]),
    ("Broker memory", "bytes", "timeseries", "At the limit it blocks publishers.",
     [("rabbitmq_process_resident_memory_bytes", "used"), ("rabbitmq_resident_memory_limit_bytes", "limit")]),
    ("Broker disk", "bytes", "timeseries", "At the limit it blocks publishers.",
     [("rabbitmq_disk_space_available_bytes", "free"), ("rabbitmq_disk_space_available_limit_bytes", "limit")]),
    ("Connections", "short", "timeseries", "Two a process.", [("rabbitmq_connections", "connections")]),
]


def variable(name, query, all_value=".*"):
    return {"name": name, "label": name, "type": "query", "datasource": {"type": "prometheus", "uid": "prometheus"},
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2, "multi": True, "includeAll": True,
            "allValue": all_value, "current": {"text": "All", "value": "$__all"}, "sort": 1}


def panel(number, title, unit, kind, description, queries):
    wide = {"stat": 6, "table": 24}.get(kind, 12)
    kinds = {"bar": "bargauge"}
    return {"id": number, "title": title, "type": kinds.get(kind, kind), "description": description, "w": wide,
            "datasource": {"type": "prometheus", "uid": "prometheus"},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}} if kind == "timeseries" else {},
            "targets": [{"refId": chr(65 + k), "expr": expr, "legendFormat": legend, "instant": kind in ("stat", "table", "bar"),
                         "datasource": {"type": "prometheus", "uid": "prometheus"}} for k, (expr, legend) in enumerate(queries)]}


def dashboard(uid, title, rows):
    panels, x, y, line = [], 0, 0, 0
    for number, row in enumerate(rows, 1):
        made = panel(number, *row)
        width, height = made.pop("w"), 4 if row[2] == "stat" else 8
        if x + width > 24:
            x, y, line = 0, y + line, 0
        made["gridPos"] = {"x": x, "y": y, "w": width, "h": height}
        x, line = x + width, max(line, height)
        panels.append(made)
    return {"uid": uid, "title": title, "tags": ["case2code"], "schemaVersion": 39, "editable": True, "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"}, "timezone": "", "panels": panels,
            "templating": {"list": [variable("run", "label_values(case2code_process_info, run)"),
                                    variable("instance", 'label_values(case2code_process_info{run=~"$run"}, instance)')]}}


ALL = {"pipeline": ("Pipeline", PIPELINE), "llm": ("LLM", LLM), "execution": ("Execution", EXECUTION), "broker": ("Broker", BROKER)}
for name, (title, rows) in ALL.items():
    text = json.dumps(dashboard(f"case2code-{name}", f"Case2Code: {title}", rows), indent=1) + "\n"
    path = HERE / f"{name}.json"
    if "--check" in sys.argv:
        if path.read_text() != text:
            sys.exit(f"{path} is not what make_dashboards.py writes: run it")
    else:
        path.write_text(text)
