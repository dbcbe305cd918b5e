# The image that programs run in: a Python, and the supervisor as PID 1. worker-exec builds it when it is missing.
ARG BASE=python:3.13-slim-trixie
FROM ${BASE}
COPY sandbox-init /sandbox-init
USER 0:0
ENTRYPOINT ["/sandbox-init"]
LABEL case2code.image=sandbox
