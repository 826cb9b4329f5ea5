"""Proves the oracles of a fuzz target by its replay: the corpus passes, and with each bug the oracle that
is meant for it ends the replay."""
import os
import re
import signal
import subprocess
import sys

TIMEOUT_S = 300


def replay(program, corpus, variable, bug=None):
    """Exit code, and the line that says what fell."""
    environment = dict(os.environ)
    environment.pop(variable, None)
    if bug:
        environment[variable] = bug
    done = subprocess.run([program, corpus], env=environment, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    lines = [line for line in done.stderr.splitlines() if re.search(r"oracle |ERROR: ", line)]
    if lines:
        return done.returncode, re.sub(r"^.*ERROR: ", "crash: ", lines[0])
    if done.returncode < 0:
        return done.returncode, f"crash: {signal.Signals(-done.returncode).name}"
    return done.returncode, done.stdout.splitlines()[-1]


def prove(program, corpus, variable, bugs, mistakes=()):
    """Exit code. `bugs`: what has to be said at the end with each; the environment's `variable` names
    the one that the program has. `mistakes` are those that were found before."""
    mistakes = list(mistakes)
    code, said = replay(program, corpus, variable)
    print(f"no bug: {said}")
    if code != 0:
        mistakes.append("the corpus falls without a bug")
    for bug, oracle in bugs.items():
        code, said = replay(program, corpus, variable, bug)
        print(f"{bug}: {said}")
        if code == 0 or oracle not in said:
            mistakes.append(f"{bug} is not found by {oracle}")
    for mistake in mistakes:
        print(f"prove_oracles: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0
