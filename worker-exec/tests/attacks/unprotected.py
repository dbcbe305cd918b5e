"""Runs one case the way published pipelines do, and tells from beside it what became of that.

It is PID 1 of a throwaway container. The program runs in a child, as in those pipelines: exec the program, exec the
examples, call, print the repr. Argument: what `case.json` says under `unprotected`.
"""
import glob
import json
import os
import select
import signal
import subprocess
import sys
import time

PIPELINE = """
import os, sys
names = {"__name__": "program", "examples": [{}]}
print("START", flush=True)
exec(compile(open("/case/program.py").read(), "<program>", "exec"), names)
if os.path.exists("/case/examples.py"):
    exec(compile(open("/case/examples.py").read(), "<examples>", "exec"), names)
for example in names["examples"]:
    try:
        print("\\nRESULT", repr(names["attack"](**example)), flush=True)
    except Exception as error:
        print("\\nRESULT", type(error).__name__, error, flush=True)
print("\\nEND", flush=True)
"""
# Long enough for a busy machine where the program is to end; what is to hang gets little.
PATIENCE, HANGS_AFTER = 60, 2
KEPT = 1 << 20


def others():
    """Processes besides this one."""
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()]


def main():
    expected = json.loads(sys.argv[1])
    patience = HANGS_AFTER if expected.get("hangs") else PATIENCE
    command = [sys.executable, "-c", PIPELINE]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/tmp")
    said, size, until, started = b"", 0, time.monotonic() + PATIENCE, False
    ended = False
    while time.monotonic() < until and not ended:
        # A process that was left behind holds the pipe open: the end of the child counts, not the end of the pipe.
        ready, _, _ = select.select([child.stdout], [], [], 0.05)
        part = os.read(child.stdout.fileno(), 65536) if ready else b""
        said, size = (said + part)[-KEPT:], size + len(part)
        if not started and b"START" in said:
            started, until = True, time.monotonic() + patience
        gone = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        ended = gone is not None and not part
    left = len(others()) > 1  # before the kill: what the program left, not what it was
    if not ended:
        os.kill(child.pid, signal.SIGKILL)
    _, status, usage = os.wait4(child.pid, 0)
    lines = said.decode("utf-8", "replace").splitlines()
    observed = {
        "return": [line[7:][:5000] for line in lines if line.startswith("RESULT ")][-100:],
        "hangs": not ended,
        "dies": ended and "END" not in lines[-3:],
        "status": status,
        "memory_mib": usage.ru_maxrss // 1024,
        "output_bytes": size,
        "left": ["process"] * left + glob.glob(expected.get("left", "")),
        "last": lines[-1][-300:] if lines else "",
    }
    print("OBSERVED " + json.dumps(observed), flush=True)


main()
