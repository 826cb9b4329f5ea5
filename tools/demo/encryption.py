"""Encrypts the clip with the openssl command line, that is with code that is not ours."""

import hashlib
import secrets
from pathlib import Path
from typing import NamedTuple

from .command import last_line, run
from .error import DemoError

KEY_BYTES = 16


class ContentKey(NamedTuple):
    """AES-128-CTR: the key, and the counter block of the first 16 bytes."""
    key: bytes
    counter: bytes

    def __repr__(self) -> str:
        return "ContentKey(...)"  # a traceback or a log may print it


def encrypt(source: Path, target: Path) -> ContentKey:
    """One stream over the whole of `source`, under a fresh random key."""
    # Arguments stand in the process list for all to see, so openssl gets the key as a passphrase
    # on its standard input. 256 random bits need neither salt nor stretching.
    passphrase = secrets.token_hex(32).encode()
    # D3D11_AES_CTR_IV: the upper half is the IV, the lower one counts blocks.
    counter = secrets.token_bytes(8) + bytes(8)
    result = run(["openssl", "enc", "-aes-128-ctr", "-nosalt", "-pbkdf2", "-iter", "1", "-md",
                  "sha256", "-pass", "stdin", "-iv", counter.hex(), "-in", source, "-out", target],
                 stdin=passphrase + b"\n")
    if result.returncode != 0:
        raise DemoError(f"openssl did not encrypt the clip: {last_line(result.stderr)}")
    return ContentKey(hashlib.pbkdf2_hmac("sha256", passphrase, b"", 1, KEY_BYTES), counter)


def version() -> str:
    """Like "OpenSSL 3.0.17"."""
    return " ".join(run(["openssl", "version"]).stdout.decode().split()[:2])
