#!/usr/bin/env python3
"""Builds every overlay, checks it against the Kubernetes schemas and the custom resources' own, and against our policy.

needs: kubectl (or kustomize), kubernetes-validate and PyYAML (PyPI). usage: kubernetes.py [VERSION...]
"""
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent.parent / "kubernetes"
# The part of the custom resources' published schemas that is used here (KEDA 2, prometheus-operator, RabbitMQ cluster
# operator 2): field → type, `!` for required ones, `*` for any name, a list for lists of that. Nothing else passes.
SELECTOR = {"matchLabels": {"*": str}, "matchExpressions": [{"key!": str, "operator!": str, "values": [str]}]}
SCALING = {"stabilizationWindowSeconds": int, "selectPolicy": str,
           "policies": [{"type!": str, "value!": int, "periodSeconds!": int}]}
RESOURCES = {"requests": {"*": str}, "limits": {"*": str}}
CUSTOM = {
    "ScaledObject": {
        "scaleTargetRef!": {"name!": str, "kind": str, "apiVersion": str},
        "pollingInterval": int, "cooldownPeriod": int, "minReplicaCount": int, "maxReplicaCount": int,
        "advanced": {"restoreToOriginalReplicaCount": bool, "horizontalPodAutoscalerConfig": {
            "name": str, "behavior": {"scaleDown": SCALING, "scaleUp": SCALING}}},
        "triggers!": [{"type!": str, "name": str, "metadata!": {"*": str}, "authenticationRef": {"name!": str, "kind": str}}],
    },
    "TriggerAuthentication": {"secretTargetRef": [{"parameter!": str, "name!": str, "key!": str}]},
    "ServiceMonitor": {
        "jobLabel": str, "selector!": SELECTOR, "namespaceSelector": {"any": bool, "matchNames": [str]},
        "endpoints!": [{"port": str, "path": str, "interval": str, "params": {"*": [str]}}],
    },
    "PrometheusRule": {"groups": [{"name!": str, "interval": str, "rules": [{
        "alert": str, "expr!": str, "for": str, "labels": {"*": str}, "annotations": {"*": str}}]}]},
    # What the operator's `override` takes is a StatefulSet's; its containers are checked by `policy`.
    "RabbitmqCluster": {
        "replicas": int, "image": str, "persistence": {"storage": str, "storageClassName": str}, "resources": RESOURCES,
        "rabbitmq": {"additionalPlugins": [str], "additionalConfig": str, "advancedConfig": str, "envConfig": str},
        "override": {"statefulSet": {"spec": {"template": {"spec": dict}}}},
    },
}
OVERLAYS = sorted(path.name for path in (HERE / "overlays").iterdir())


def build(folder):
    tool = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    text = subprocess.run([*tool, str(folder)], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def custom(value, schema, place="spec"):
    """What is wrong with a value, by a schema as in CUSTOM."""
    if isinstance(schema, type):
        return [] if type(value) is schema else [f"{place} is no {schema.__name__}"]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{place} is no list"]
        return [wrong for k, item in enumerate(value) for wrong in custom(item, schema[0], f"{place}[{k}]")]
    if not isinstance(value, dict):
        return [f"{place} is no table"]
    fields = {name.rstrip("!"): (inner, name.endswith("!")) for name, inner in schema.items()}
    wrong = [f"no {place}.{name}" for name, (_, required) in fields.items() if required and name not in value]
    for name, item in value.items():
        inner = fields.get(name) or fields.get("*")
        wrong += custom(item, inner[0], f"{place}.{name}") if inner else [f"unknown {place}.{name}"]
    return wrong


def references(documents):
    """What the documents of an overlay name and nobody has, and what has to agree between them."""
    has = {}
    for document in documents:
        if document["kind"] in ("Secret", "ConfigMap"):
            keys = {**document.get("data", {}), **document.get("stringData", {}), **document.get("binaryData", {})}
            has[document["kind"], document["metadata"]["name"]] = keys
    wrong = []

    def look(value, place):
        if isinstance(value, list):
            for item in value:
                look(item, place)
        if not isinstance(value, dict):
            return
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap"), ("configMapRef", "ConfigMap"),
                            ("secretRef", "Secret"), ("secret", "Secret"), ("configMap", "ConfigMap")):
            to = value.get(field)
            if not isinstance(to, dict) or to.get("optional"):
                continue
            name = to.get("name") or to.get("secretName")
            keys = has.get((kind, name))
            wanted = [to["key"]] if "key" in to else [item["key"] for item in to.get("items", [])]
            wrong.extend([f"{place}: no {kind} {name}"] if keys is None else
                         [f"{place}: no key {key} in {kind} {name}" for key in wanted if key not in keys])
        for inner in value.values():
            look(inner, place)

    for document in documents:
        place = f"{document['kind']} {document['metadata']['name']}"
        look(document.get("spec"), place)
        if document["metadata"].get("namespace") != "case2code" and document["kind"] != "Namespace":
            wrong.append(f"{place}: not in the namespace")
        if document["kind"] == "TriggerAuthentication":
            for to in document["spec"]["secretTargetRef"]:
                if to["key"] not in has.get(("Secret", to["name"]), {}):
                    wrong.append(f"{place}: no key {to['key']} in Secret {to['name']}")
        # Passwords stand in the Secret alone.
        if document["kind"] != "Secret" and re.search(r"://[^/\s:@]+:[^/\s:@]+@|default_pass|\"password\"", str(document)):
            wrong.append(f"{place}: a password")
    run = next(data["CASE2CODE_RUN"] for (kind, name), data in has.items() if kind == "ConfigMap" and "CASE2CODE_RUN" in data)
    queues = [trigger["metadata"]["queueName"] for document in documents if document["kind"] == "ScaledObject"
              for trigger in document["spec"]["triggers"]]
    wrong += [f"KEDA watches {queue}, the run is {run}" for queue in queues if queue.rpartition(".")[0] != run]
    wrong += credentials(has["Secret", "broker"])
    return wrong


def credentials(secret):
    """The URLs of the Secret name users of its definitions, with their passwords."""
    data = {key: base64.b64decode(value).decode() for key, value in secret.items()}
    users = {user["name"]: user["password"] for user in json.loads(data["definitions.json"])["users"]}
    wrong = []
    for key in ("AMQP_URL", "EXEC_AMQP_URL", "HTTP_URL"):
        url = urllib.parse.urlsplit(data.get(key, ""))
        if users.get(urllib.parse.unquote(url.username or "")) != urllib.parse.unquote(url.password or "-"):
            wrong.append(f"Secret broker: {key} and definitions.json differ")
    return wrong


def policy(document, overlay):
    wrong, spec = [], document.get("spec", {})
    pod = spec if document["kind"] == "Pod" else spec.get("template", {}).get("spec")
    if document["kind"] == "RabbitmqCluster":
        wrong += [] if spec.get("resources", {}).get("limits") else ["no limits"]
        inner = spec["override"]["statefulSet"]["spec"]["template"]["spec"]
        seccomp = inner.get("securityContext", {}).get("seccompProfile")
        for name, containers in (("rabbitmq", inner["containers"]), ("setup-container", inner["initContainers"])):
            security = next((one.get("securityContext", {}) for one in containers if one["name"] == name), {})
            if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities") != {"drop": ["ALL"]} or not seccomp:
                wrong.append(f"{name}: not `restricted`")
    if not pod:
        return wrong
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if grace < 40 and document["kind"] != "Pod":
        wrong.append(f"a grace of {grace} s is shorter than what a worker needs to give back its work")
    if any("hostPath" in volume for volume in pod.get("volumes", [])):
        wrong.append("a host path")
    if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        wrong.append("a namespace of the host's")
    for container in pod["containers"] + pod.get("initContainers", []):
        name, security = container["name"], container.get("securityContext", {})
        image = container["image"]
        if ":" not in image or image.endswith(":latest"):
            wrong.append(f"{name}: image {image} names no version")
        if not set(container.get("resources", {}).get("limits", {})) >= {"cpu", "memory"}:
            wrong.append(f"{name}: no limits")
        if "requests" not in container.get("resources", {}):
            wrong.append(f"{name}: no requests")
        if security.get("privileged"):
            if (overlay, document["metadata"]["name"], name) != ("dind", "worker-exec", "engine"):
                wrong.append(f"{name}: privileged")
            continue
        if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities") != {"drop": ["ALL"]}:
            wrong.append(f"{name}: not `restricted`")
        run_as = {**pod.get("securityContext", {}), **security}
        if not run_as.get("runAsUser") or not run_as.get("seccompProfile"):
            wrong.append(f"{name}: root, or no seccomp profile")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe not in container and document["kind"] != "Pod":
                wrong.append(f"{name}: no {probe}")
    return wrong


def newest():
    folder = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    versions = {match[1] for path in folder.iterdir() if (match := re.match(r"v?(\d+\.\d+)", path.name))}
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")])[-3:]


versions, wrong, documents = sys.argv[1:] or newest(), [], 0
everything = {overlay: build(HERE / "overlays" / overlay) for overlay in OVERLAYS}
everything["files.yaml"] = list(yaml.safe_load_all((HERE / "files.yaml").read_text()))
for overlay, built in everything.items():
    documents += len(built)
    for document in built:
        place = f"{overlay}: {document['kind']} {document['metadata']['name']}"
        if document["kind"] in CUSTOM:
            wrong += [f"{place}: {problem}" for problem in custom(document.get("spec"), CUSTOM[document["kind"]])]
        else:
            for version in versions:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except Exception as error:
                    wrong.append(f"{place} ({version}): {error}")
        wrong += [f"{place}: {problem}" for problem in policy(document, overlay)]
    if overlay in OVERLAYS:
        wrong += [f"{overlay}: {problem}" for problem in references(built)]
# But for passwords, and the user that KEDA asks by, the broker's users are the same everywhere.
def users(path, *but):
    read = json.loads(path.read_text())
    rows = [{**row, "password": ""} for row in read["users"]] + read["permissions"]
    return [row for row in rows if row.get("name", row.get("user")) not in but]


base = HERE / "base/definitions.json"
if users(base, "watcher") != users(HERE.parent / "rabbitmq/definitions.json"):
    wrong.append("the users of compose are not those of base")
if users(base) != users(HERE / "overlays/example/definitions.json"):
    wrong.append("the users of the overlay example are not those of base")
if documents < 90:
    wrong.append(f"only {documents} documents: something is missing")
print(f"{documents} documents of {', '.join(OVERLAYS)} against Kubernetes {', '.join(versions)}: {len(wrong)} wrong")
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
