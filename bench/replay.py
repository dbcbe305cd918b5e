"""What the scripts here share: the replaying LLM server, larger corpora, a broker, and reading parts."""
import contextlib
import json
import os
import pathlib
import re
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
COMPLETIONS = SHARED / "data/completions.jsonl"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def replay_llm(*flags, corpus=(FUNCTIONS, COMPLETIONS), port=None):
    """The replaying server; gives its base URL."""
    port = port or free_port()
    command = [SHARED / "tools/replay-llm", "--functions", corpus[0], "--completions", corpus[1]]
    server = subprocess.Popen([sys.executable, *map(str, command), "--port", str(port), *map(str, flags)],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline().startswith("ready"), "replay-llm did not start"
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def copies(folder, number):
    """The published functions `number` times over, each time under other names, and what was completed for them."""
    completions = {row["id"]: row for row in map(json.loads, COMPLETIONS.open())}
    paths = folder / "raw.jsonl", folder / "completions.jsonl"
    with paths[0].open("w") as functions, paths[1].open("w") as answers:
        for copy in range(number):
            for row in map(json.loads, FUNCTIONS.open()):
                names = re.findall(r"^def +([A-Za-z_]\w*)", row["content"], re.M)
                # A method of that name is another's.
                name = re.compile(r"(?<![\w.])(" + "|".join(names) + r")\b")
                other = lambda text: name.sub(rf"\g<1>_{copy}", text)
                answer = completions[row["id"]]
                row = {**row, "id": f"{row['id']}_{copy}", "content": other(row["content"])}
                functions.write(json.dumps(row) + "\n")
                answer = {**answer, "id": row["id"], "completion": other(answer["completion"])}
                answers.write(json.dumps(answer) + "\n")
    return paths


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


def queues(run, amqp):
    """The queues of a run as `status` tells them, by name; none where there is no such run yet."""
    command = [str(BIN / "case2code"), "status", "--json", "--run", run, "--amqp-url", amqp]
    done = subprocess.run(command, capture_output=True, text=True)
    return {} if done.returncode else {queue["queue"]: queue for queue in json.loads(done.stdout)["queues"]}


def wait_for(condition, what, seconds=120, pause=0.1):
    """Until `condition` gives something that is true; gives that."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s: {what}"
        time.sleep(pause)
    return seen


def wait_for_consumers(run, amqp, **wanted):
    """Until each of these queues has as many consumers."""
    def all_there():
        seen = queues(run, amqp)
        return seen and all(seen[name]["consumers"] >= number for name, number in wanted.items())
    wait_for(all_there, f"consumers {wanted}")


def shards_done(out):
    """How many shards of an output that is open stand in parts. One that is finished keeps no state: 0."""
    try:
        return (out / ".state/run.jsonl").read_bytes().count(b'{"done"')
    except FileNotFoundError:
        return 0


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
