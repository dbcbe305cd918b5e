#!/usr/bin/env python3
"""Builds every overlay, checks it against the Kubernetes schemas and the custom resources' own, and against our policy.

needs: kubectl (or kustomize), kubernetes-validate and PyYAML (PyPI). usage: kubernetes.py [VERSION...]
"""
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent.parent / "kubernetes"
# Kind → fields that its schema has below `spec`, and those that it requires (from the published CRDs).
CUSTOM = {
    "ScaledObject": ("scaleTargetRef pollingInterval cooldownPeriod initialCooldownPeriod idleReplicaCount minReplicaCount maxReplicaCount fallback advanced triggers", "scaleTargetRef triggers"),
    "TriggerAuthentication": ("secretTargetRef configMapTargetRef env podIdentity", ""),
    "ServiceMonitor": ("selector endpoints namespaceSelector jobLabel targetLabels podTargetLabels sampleLimit", "selector endpoints"),
    "RabbitmqCluster": ("replicas image imagePullSecrets service persistence resources affinity tolerations rabbitmq tls override terminationGracePeriodSeconds secretBackend delayStartSeconds skipPostDeploySteps autoEnableAllFeatureFlags", ""),
}


def build(folder):
    tool = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    text = subprocess.run([*tool, str(folder)], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def custom(document):
    fields, required = (set(words.split()) for words in CUSTOM[document["kind"]])
    have = set(document.get("spec", {}))
    return [f"unknown field {field}" for field in have - fields] + [f"no field {field}" for field in required - have]


def policy(document, overlay):
    wrong, spec = [], document.get("spec", {})
    pod = spec.get("template", {}).get("spec")
    if document["kind"] == "RabbitmqCluster":
        wrong += [] if spec.get("resources", {}).get("limits") else ["no limits"]
    if not pod:
        return wrong
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if grace < 40:
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
            if probe not in container:
                wrong.append(f"{name}: no {probe}")
    return wrong


def newest():
    folder = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    versions = {match[1] for path in folder.iterdir() if (match := re.match(r"v?(\d+\.\d+)", path.name))}
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")])[-3:]


versions, wrong, documents = sys.argv[1:] or newest(), [], 0
for overlay in ("dev", "gvisor", "dind"):
    for document in build(HERE / "overlays" / overlay):
        documents += 1
        place = f"{overlay}: {document['kind']} {document['metadata']['name']}"
        if document["kind"] in CUSTOM:
            wrong += [f"{place}: {problem}" for problem in custom(document)]
        else:
            for version in versions:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except Exception as error:
                    wrong.append(f"{place} ({version}): {error}")
        wrong += [f"{place}: {problem}" for problem in policy(document, overlay)]
for name in ("rabbitmq.conf", "definitions.json", "enabled_plugins"):
    if (HERE / "rabbitmq-plain" / name).read_text() != (HERE.parent / "rabbitmq" / name).read_text():
        wrong.append(f"rabbitmq-plain/{name} is not the file of deploy/rabbitmq")
if documents < 60:
    wrong.append(f"only {documents} documents: something is missing")
print(f"{documents} documents against Kubernetes {', '.join(versions)}: {len(wrong)} wrong")
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
