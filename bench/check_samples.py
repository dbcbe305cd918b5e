#!/usr/bin/env python3
"""Are the samples of a run true? Reads the Parquet with pyarrow and runs the answers with Python: none of our code.

usage: check_samples.py OUT      (needs pyarrow; run it where untrusted code may run)

For every row, in a fresh Python with a CPU and memory limit and another hash seed than the sandbox's:
  - the fence of `output` (for other tasks than induction: the program in the prompt) compiles and runs alone, and
    defines the function, and no example of it raises NameError;
  - every example, shown or held out, gives again what the row says;
  - every line of the prompt that shows a call (assert, ==, >>>, #, ->, returns, gives) is true;
  - the answer to a question about one call is right.
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
    if row["task"] != "induction":
        least = most = 1
    else:
        least, most = 3, 8
    if not least <= len(shown) <= most or len(set(shown)) != len(shown) or not all(0 <= i < len(examples) for i in shown):
        yield "shown", shown
    if len(examples) >= 5 and len(examples) - len(shown) < 2:
        yield "held out", f"{len(shown)} of {len(examples)} shown"
    shown_outcomes = collections.Counter(examples[i]["output"] or examples[i]["error"] for i in shown)
    all_outcomes = {e["output"] or e["error"] for e in examples}
    if len(shown_outcomes) < 2 <= len(all_outcomes) and row["task"] == "induction":
        yield "one outcome shown", dict(shown_outcomes)
    asked, answered = row["messages"]
    if (asked["content"], answered["content"]) != (row["prompt"], row["output"]):
        yield "messages", row["id"]


def runs(row):
    """What shows only when the row runs: failures as (what, detail), and counts of what held as (what, number)."""
    induction = row["task"] == "induction"
    fence = FENCE.search(row["output"] if induction else row["prompt"])
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
    for index, example in enumerate(row["examples"]):
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
        if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            yield "NameError", repr(error)
        if example["error"] is not None:
            if error is None or not example["error"].endswith(told(error)):
                yield "other error", f"{example['input'][:60]}: {example['error']!r}, now {error!r}"
                continue
        elif error is not None:
            yield "raises now", f"{example['input'][:60]}: {error!r}"
            continue
        elif repr(value) != example["output"] and not same(value, example["output"]):
            yield "other output", f"{example['input'][:60]}: {example['output'][:60]}, now {repr(value)[:60]}"
            continue
        yield "shown" if index in row["shown"] else "held out", 1
    if induction:
        for call, claim in calls(row["prompt"], row["function_name"]):
            if holds(call, claim, scope):
                yield "calls in prompts", 1
            else:
                yield "call is false", f"{call[:80]}: {claim[:80]}"
        return
    asked, answer = row["examples"][row["shown"][0]], FENCE.search(row["output"])[2]
    call = f"{row['function_name']}({asked['input']})"
    call, claim = (call, answer) if row["task"] == "deduction" else (answer, asked["output"])
    if holds(call, claim, scope):
        yield "answers to questions", 1
    else:
        yield "answer is false", f"{call[:80]}: {claim[:80]}"


def told(error):
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def calls(prompt, name):
    """Calls that a prompt shows, each with what it claims of it."""
    lines = prompt.splitlines()
    for at, line in enumerate(lines):
        line = line.removeprefix("- ")
        if line.startswith(f">>> {name}("):
            yield line[4:], lines[at + 1]
        elif line.startswith(f"`{name}("):
            call, claim = re.fullmatch(r"`(.*?)`(?: (?:returns|gives) `(.*)`|  (# raises .*))", line).group(1, 2)
            yield call, claim or line.split("`  ")[-1]
        elif line.startswith((f"{name}(", f"assert {name}(")):
            call = line.removeprefix("assert ")
            for mark in ("  # -> ", "  # raises ", "  # ", ") == ", ") -> "):
                if mark in call:
                    left, right = call.split(mark, 1)
                    yield (left + ")" if mark[0] == ")" else left), ("# raises " + right if "raises" in mark else right)
                    break


def holds(call, claim, scope):
    try:
        value = eval(call, dict(scope))
    except BaseException as error:
        return claim.startswith("# raises ") and claim.endswith(" ".join(told(error).split()))
    if claim.startswith("# raises "):
        return False
    return repr(value) == claim or same(value, claim)


def same(value, text):
    """Sets and dicts compare without order, nan as nan."""
    names = {"nan": float("nan"), "inf": float("inf")}
    try:
        again = eval(text, names)
        return value == again or (repr(value) == repr(again) and "nan" in text)
    except BaseException:
        return repr(value) == text


def child(row, pipe):
    sys.setrecursionlimit(1_000)
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.stdout = sys.stderr = open("/dev/null", "w")
    pipe.send(list(runs(row)))


def main():
    import pyarrow.parquet  # not in the fresh interpreters that rows run in

    parts = sorted(pathlib.Path(sys.argv[1], "data").glob("part-*.parquet"))
    rows = [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]
    failures, held = collections.Counter(), collections.Counter()
    for row in rows:
        json.loads(row["meta"]), json.loads(row["provenance"])
        found = list(looks(row))
        ours, theirs = multiprocessing.Pipe(False)
        process = multiprocessing.get_context("spawn").Process(target=child, args=(row, theirs))
        process.start()
        theirs.close()
        try:
            found += ours.recv() if ours.poll(30) else [("hangs", row["id"])]
        except EOFError:
            found.append(("died", f"exit {process.exitcode}"))
        process.kill()
        process.join()
        for what, detail in found:
            if isinstance(detail, int):
                held[what] += detail
                continue
            failures[what] += 1
            print(f"{what:20} {row['id']} {row['function_name']}: {detail}")
    examples = sum(len(row["examples"]) for row in rows)
    print(f"\n{len(rows)} samples, {examples} examples, {sum(failures.values())} failures {dict(failures)}")
    print("true: " + ", ".join(f"{number} {what}" for what, number in sorted(held.items())))
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
