"""What the scripts here share: the replaying LLM server, a broker, and reading parts."""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("CASE2CODE_SHARED", ROOT.parent / "shared"))
BIN = ROOT / "target" / os.environ.get("CASE2CODE_BUILD", "debug")
FUNCTIONS = SHARED / "data/functions.jsonl"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def replay_llm(*flags):
    """The replaying server; gives its base URL."""
    port = free_port()
    command = [SHARED / "tools/replay-llm", "--functions", FUNCTIONS, "--completions", SHARED / "data/completions.jsonl"]
    server = subprocess.Popen([sys.executable, *map(str, command), "--port", str(port), *map(str, flags)],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline().startswith("ready"), "replay-llm did not start"
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def requests_served(url):
    """How many completions the replaying server gave."""
    with urllib.request.urlopen(url.replace("/v1", "/metrics")) as reply:
        lines = reply.read().decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith('replay_requests_total{outcome="ok"}'))


@contextlib.contextmanager
def broker():
    """A RabbitMQ of our own; gives its URL."""
    folder = tempfile.TemporaryDirectory(prefix="case2code-broker-")
    port, home = free_port(), pathlib.Path(folder.name)
    (home / "plugins").write_text("[].\n")
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    env = dict(os.environ, HOME=folder.name, RABBITMQ_NODENAME=f"bench-{port}@localhost",
               RABBITMQ_NODE_PORT=str(port), RABBITMQ_DIST_PORT=str(free_port()),
               RABBITMQ_MNESIA_BASE=str(home / "data"), RABBITMQ_LOGS=str(home / "log"),
               RABBITMQ_CONFIG_FILE=str(home / "rabbitmq.conf"),
               RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "plugins"))
    server = subprocess.Popen(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=env, start_new_session=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while "Server startup complete" not in (home / "log").read_text() if (home / "log").exists() else True:
            assert time.monotonic() < deadline and server.poll() is None, "rabbitmq-server did not start"
            time.sleep(0.1)
        yield f"amqp://guest:guest@127.0.0.1:{port}/%2f"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, 9)
        server.wait()


def case2code(*arguments, **options):
    """One command of ours, to its end."""
    return subprocess.run([str(BIN / "case2code"), *map(str, arguments)], check=True, **options)


def generated_inputs(folder):
    """GeneratedInputs of the published functions and completions."""
    functions, inputs = folder / "functions.jsonl", folder / "inputs.jsonl"
    with replay_llm() as url:
        case2code("collect", FUNCTIONS, "--collect", "reference", stdout=functions.open("w"), stderr=subprocess.DEVNULL)
        case2code("write-inputs", functions, "--llm-url", url, stdout=inputs.open("w"), stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in inputs.open()]


def parts(out):
    """Every file of a finished output, with its bytes."""
    return {str(path.relative_to(out)): path.read_bytes()
            for name in ("data", "rejected") for path in sorted((out / name).glob("*"))}


def rows(out, name):
    """The rows of data/ or rejected/ of an output in JSON Lines."""
    return [json.loads(line) for path in sorted((out / name).glob("*.jsonl")) for line in path.open()]


def counts(out):
    """The counts of run.json."""
    return json.loads((out / "run.json").read_text())["counts"]
