#!/usr/bin/env python3
"""Proves the oracles of firmware_fuzz: the corpus passes, and with each of these rules broken
(base/rule.h) the oracle that is meant for it ends the replay.
usage: prove_oracles.py firmware_mutants CORPUS"""
import os
import subprocess
import sys

# Broken rule: what has to be said at the end.
RULES = {
    "4.2.destroy_frees_keys": "oracle slot",
    "4.2.process_ends": "oracle teardown",
    "4.7.process_ends": "oracle teardown",
    "5.session_ends": "oracle release",
    "8.5.decoder_of_device": "oracle isolation",
    "8.5.device_handle_new": "oracle handle",
    "8.5.session_of_device": "oracle isolation",
    "R27.not_hardware": "oracle grant",
    "R32.unrepeatable": "oracle handle",
    "opm.destroy_takes_level_back": "oracle link",
    "opm.kernel_only": "oracle isolation",
    "protection.ends_with_channel": "oracle protection",
}


def replay(program, corpus, rule=None):
    """Exit code, and the line that says what fell."""
    environment = dict(os.environ)
    environment.pop("WARD_BROKEN_RULE", None)
    if rule:
        environment["WARD_BROKEN_RULE"] = rule
    done = subprocess.run([program, corpus], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    lines = [line for line in done.stderr.splitlines() if "oracle " in line]
    return done.returncode, lines[0] if lines else done.stdout.splitlines()[-1]


def main(program, corpus):
    mistakes = []
    code, said = replay(program, corpus)
    print(f"no rule broken: {said}")
    if code != 0:
        mistakes.append("the corpus falls without a broken rule")
    for rule, oracle in RULES.items():
        code, said = replay(program, corpus, rule)
        print(f"{rule}: {said}")
        if code == 0 or oracle not in said:
            mistakes.append(f"{rule} is not found by {oracle}")
    for mistake in mistakes:
        print(f"prove_oracles: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
