#!/usr/bin/env python3
"""Are the samples of a run true? Reads the Parquet with pyarrow and runs the answers with Python: none of our code.

usage: check_samples.py OUT      (needs pyarrow; run it where untrusted code may run)

For every row, in a process of its own with a CPU and memory limit:
  - the fence of `output` compiles and runs alone, and defines the function;
  - every example, shown or held out, gives again what the row says;
  - every fenced block of asserts in the prompt runs.
And, without running anything: no memory address, no repeated input, no output that is the same for all inputs, 3 to 8
shown, at least 2 held out when there are 5. Prints one table and every failure; exit code 1 if there is one.
"""
import collections
import json
import multiprocessing
import pathlib
import re
import resource
import sys

import pyarrow.parquet

ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")
FENCE = re.compile(r"^(`{3,})(?:python)?\n(.*?)\n\1$", re.S | re.M)


def looks(row):
    """What can be seen without running the row."""
    examples, shown = row["examples"], row["shown"]
    outputs = [e["output"] for e in examples if e["output"] is not None]
    errors = [e for e in examples if e["error"] is not None]
    if any(ADDRESS.search(o) for o in outputs):
        yield "address", next(o for o in outputs if ADDRESS.search(o))
    if any((e["output"] is None) == (e["error"] is None) for e in examples):
        yield "output xor error", row["id"]
    if len(set(outputs)) < 2 and not errors:
        yield "all equal", outputs[:1]
    if not 3 <= len(shown) <= 8 or len(set(shown)) != len(shown) or not all(0 <= i < len(examples) for i in shown):
        yield "shown", shown
    if len(examples) >= 5 and len(examples) - len(shown) < 2:
        yield "held out", f"{len(shown)} of {len(examples)} shown"
    shown_outcomes = collections.Counter(examples[i]["output"] or examples[i]["error"] for i in shown)
    all_outcomes = {e["output"] or e["error"] for e in examples}
    if len(shown_outcomes) < 2 <= len(all_outcomes):
        yield "one outcome shown", dict(shown_outcomes)
    asked, answered = row["messages"]
    if (asked["content"], answered["content"]) != (row["prompt"], row["output"]):
        yield "messages", row["id"]


def runs(row):
    """What shows only when the row runs."""
    fence = FENCE.search(row["output"])
    if not fence:
        yield "no fence", row["output"][:80]
        return
    # As the sandbox runs it: the program is __main__.
    scope = {"__name__": "__main__"}
    try:
        exec(compile(fence[2], "answer", "exec"), scope)
        function = scope[row["function_name"]]
    except BaseException as error:  # a program may raise SystemExit
        yield "answer does not run", repr(error)
        return
    seen = []
    for example in row["examples"]:
        try:
            arguments = eval(f"dict({example['input']})", dict(scope))
            again = eval(f"dict({example['input']})", dict(scope))
        except BaseException as error:
            yield "input does not run", f"{example['input'][:80]}: {error!r}"
            continue
        if repr(arguments) in seen:
            yield "repeated input", example["input"][:80]
        seen.append(repr(arguments))
        try:
            value, error = function(**again), None
        except BaseException as raised:
            value, error = None, raised
        if example["error"] is not None:
            told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            if error is None or not example["error"].endswith(told):
                yield "other error", f"{example['input'][:60]}: {example['error']!r}, now {told!r}"
        elif error is not None:
            yield "raises now", f"{example['input'][:60]}: {error!r}"
        elif repr(value) != example["output"] and not same(value, example["output"]):
            yield "other output", f"{example['input'][:60]}: {example['output'][:60]}, now {repr(value)[:60]}"
    for _, block in FENCE.findall(row["prompt"]):
        lines = [line for line in block.splitlines() if "assert " in line]
        for line in lines:
            try:
                exec(line, dict(scope))
            except BaseException as error:
                yield "assert is false", f"{line[:100]}: {error!r}"


def same(value, text):
    """Sets and dicts compare without order."""
    try:
        return value == eval(text)
    except BaseException:
        return False


def child(row, pipe):
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.stdout = sys.stderr = open("/dev/null", "w")
    pipe.send(list(runs(row)))


def main():
    parts = sorted(pathlib.Path(sys.argv[1], "data").glob("part-*.parquet"))
    rows = [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]
    failures, examples = collections.Counter(), 0
    for row in rows:
        json.loads(row["meta"]), json.loads(row["provenance"])
        found = list(looks(row))
        ours, theirs = multiprocessing.Pipe(False)
        process = multiprocessing.get_context("fork").Process(target=child, args=(row, theirs))
        process.start()
        theirs.close()
        try:
            found += ours.recv() if ours.poll(30) else [("hangs", row["id"])]
        except EOFError:
            found.append(("died", f"exit {process.exitcode}"))
        process.kill()
        process.join()
        examples += len(row["examples"])
        for what, detail in found:
            failures[what] += 1
            print(f"{what:20} {row['id']} {row['function_name']}: {detail}")
    print(f"\n{len(rows)} samples, {examples} examples, {sum(failures.values())} failures {dict(failures)}")
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
