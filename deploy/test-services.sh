#!/usr/bin/env bash
# Gets what the tests need and the machine lacks: RabbitMQ, a Docker engine, the sandbox's base image.
# Says what it is about to install. Debian and Ubuntu; root, or a user with sudo.
# `test-services.sh engine` sees to RabbitMQ and the engine alone, without the image.
set -euo pipefail

python_image=python:3.13-slim-trixie
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

missing=()
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
command -v docker >/dev/null || missing+=(docker.io)
command -v python3 >/dev/null || missing+=(python3)
if ((${#missing[@]})); then
  echo "make test: installing ${missing[*]} with apt-get" >&2
  "${as_root[@]}" apt-get update -q
  # The tests start brokers of their own: Debian's policy file keeps the packaged service from starting as well.
  RUNLEVEL=1 "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${missing[@]}"
fi

if ! docker info >/dev/null 2>&1; then
  echo "make test: starting the Docker engine" >&2
  # What an engine that was killed leaves behind: with it a new one takes whatever process has this number now for itself.
  if [ -f /var/run/docker.pid ] && ! pidof dockerd >/dev/null; then "${as_root[@]}" rm -f /var/run/docker.pid; fi
  # The packaged service, or where that may not start one (in a container: it raises limits) the engine itself.
  "${as_root[@]}" service docker start || true
  for _ in $(seq 10); do docker info >/dev/null 2>&1 && break; sleep 1; done
  if ! docker info >/dev/null 2>&1; then
    log=$(mktemp)
    "${as_root[@]}" setsid dockerd >"$log" 2>&1 </dev/null &
    for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 1; done
    docker info >/dev/null 2>&1 || tail -n 20 "$log" >&2
  fi
fi
if ! docker info >/dev/null 2>&1; then
  echo "make test: no Docker engine answers; start one, or add yourself to the group 'docker', and run it again" >&2
  exit 1
fi

if [ "${1:-}" = engine ]; then exit; fi

if ! docker image inspect "$python_image" >/dev/null 2>&1; then
  echo "make test: pulling $python_image, which the sandbox image is built from" >&2
  docker pull "$python_image"
fi
