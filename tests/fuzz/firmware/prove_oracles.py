#!/usr/bin/env python3
"""Proves the oracles of firmware_fuzz: the corpus passes, and with each of these rules broken
(base/rule.h) the oracle that is meant for it ends the replay.
usage: prove_oracles.py firmware_mutants CORPUS"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle_proof import prove  # noqa: E402

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


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(prove(sys.argv[1], sys.argv[2], "WARD_BROKEN_RULE", RULES))
