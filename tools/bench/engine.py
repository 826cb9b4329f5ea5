"""What the crypto engine does with bytes: through a ring, its block alone, and what libraries do."""

from typing import List, Optional

from .comparison import Comparison, Entry, open_probe, run_comparisons
from .group import Effort, Group, Result
from .host import processor_flags
from .row import MIB_PER_SECOND, PER_SECOND, Goal

RING = "through the ring"
SHARED = "through the ring, all processors"
BLOCK = "block"
LIBCRYPTO_BLOCK = "libcrypto block"
EVP = "EVP"
EVP_RUNS = "EVP, an update for each run"

KIB = 1 << 10
MIB = 1 << 20
SIZES = (64, KIB, 4 * KIB, 64 * KIB, MIB, 32 * MIB)
PATTERN_SIZES = (64 * KIB, MIB)
LARGE = 64 * KIB  # from here on the block counts, and not what is around it


def name_size(size: int) -> str:
    for unit, one in (("MiB", MIB), ("KiB", KIB)):
        if size >= one:
            return f"{size // one} {unit}"
    return f"{size} B"


def at_least(ratio: float) -> Goal:
    return Goal(ratio, of_ratio=True, at_most=False)


def goal_of_ring(size: int, has_vaes: bool) -> Optional[Goal]:
    if size >= LARGE:
        return at_least(3.5 if has_vaes else 0.95)
    return {4 * KIB: at_least(2), KIB: at_least(1)}.get(size)


def compare_size(size: int, has_vaes: bool) -> Comparison:
    figure = f"decrypt_{size}"
    entries = [
        Entry(RING, "chip", figure, EVP, goal_of_ring(size, has_vaes)),
        *([Entry(SHARED, "workers", figure, EVP, goal_of_ring(size, has_vaes))] if size >= LARGE else []),
        Entry(BLOCK, "wide", figure, EVP),
        Entry(LIBCRYPTO_BLOCK, "libcrypto", figure, EVP, at_least(0.95) if size >= LARGE else None),
        Entry(EVP, "evp", figure),
        Entry("EVP, IV alone", "evp_iv", figure, EVP),
        Entry("libgcrypt", "gcrypt", figure, EVP),
        Entry("nettle", "nettle", figure, EVP),
    ]
    return Comparison(f"decrypt {name_size(size)}", MIB_PER_SECOND, 20 if size < MIB else 10, entries)


def list_comparisons(has_vaes: bool) -> List[Comparison]:
    comparisons = [
        Comparison("no-op commands", PER_SECOND, 40, [
            Entry(RING, "chip", "noop", goal=Goal(10e6, at_most=False))]),
        Comparison("64-byte decrypts", PER_SECOND, 40, [
            Entry(RING, "chip", "decrypts", goal=Goal(5e6, at_most=False))]),
    ]
    comparisons += [compare_size(size, has_vaes) for size in SIZES]
    for size in PATTERN_SIZES:
        comparisons.append(Comparison(f"pattern 1:9 of {name_size(size)}", MIB_PER_SECOND, 20, [
            Entry(RING, "chip", f"pattern_{size}", EVP_RUNS, at_least(5)),
            Entry(EVP_RUNS, "evp", f"pattern_{size}")]))
    return comparisons


def run(effort: Effort) -> Result:
    result = Result([], [], [])
    with open_probe(effort) as probe:
        run_comparisons(effort, probe, list_comparisons("vaes" in processor_flags()), result)
    return result


GROUP = Group("engine", "decryption through a ring, beside libraries", run)
