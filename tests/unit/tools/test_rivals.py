"""The rows of `./dev bench rivals`, and which kernel a guest gets. Run by ctest."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
from bench import rivals
from bench.group import Effort, Result
from bench.probe import Probe
from bench.row import PER_SECOND
from vm import kernel
from vm.error import VmError

EFFORT = Effort(pathlib.Path("/no/build"), 2, 1000)


class FakeProbe(Probe):
    """Ours take 10 ns, everyone else 1000 ns, but what is broken, by "kind figure"."""
    qemu_version = "7.2"

    def __init__(self, broken=()):
        super().__init__()
        self.broken = broken

    def _ask(self, line):
        _, kind, figure, count = line.split()
        assert int(count) > 0
        if f"{kind} {figure}" in self.broken:
            return "failed it fell"
        return f"value {10 if kind.startswith('gpu') else 1000}"


class RivalsTest(unittest.TestCase):
    def run_group(self, *broken) -> Result:
        with mock.patch.object(rivals, "open_guest", lambda *_: FakeProbe(broken)), \
                contextlib.redirect_stderr(io.StringIO()):
            return rivals.run(EFFORT)

    def test_each_of_ours_is_held_against_its_rivals_at_every_size(self):
        result = self.run_group()
        self.assertEqual((result.notes, result.failures), (["QEMU 7.2, TCG"], []))
        rows = {row.name: row for row in result.rows}
        self.assertEqual(len(rows), len(result.rows))
        for size, name in rivals.SIZES.items():
            for match in rivals.MATCHES:
                row = rows[f"decrypt {name}: {match.ours}, against {match.rival}"]
                ours = 1000 if match.ours == rivals.KERNEL else 10
                self.assertEqual((row.value, row.baseline, row.ratio), (ours, 1000, ours / 1000))
                self.assertEqual(row.goal is not None, size in match.goals)
                self.assertEqual(row.met, True if size in match.goals else None)

    def test_goals_are_those_of_latency_and_throughput(self):
        rows = {row.name: row.goal for row in self.run_group().rows}
        for name, goal in (("16 B: ours, polled, against virtio-crypto", "<= 0.1x"),
                           ("4 KiB: ours, interrupt, against virtio-crypto", "<= 0.5x"),
                           ("64 KiB: ours, polled, against virtio-crypto", "<= 0.05x"),
                           ("1 KiB: ours, polled, against OpenSSL", "<= 1x"),
                           ("1 MiB: ours, polled, against OpenSSL", "<= 0.025x")):
            self.assertEqual([value for row, value in rows.items() if row.startswith(f"decrypt {name}")],
                             [goal], name)

    def test_what_virtio_crypto_can_not_do_is_told_and_is_no_failure_of_ours(self):
        result = self.run_group("virtio 1048576")
        self.assertEqual(result.failures, [])
        self.assertIn(f"fails: decrypt 1 MiB: {rivals.VIRTIO}: virtio 1048576: it fell", result.notes)
        names = [row.name for row in result.rows if row.name.startswith("decrypt 1 MiB")]
        self.assertNotIn(rivals.VIRTIO, " ".join(names))
        self.assertIn(f"decrypt 1 MiB: {rivals.POLLED}, against {rivals.OPENSSL}", names)

    def test_what_ours_can_not_do_is_a_failure(self):
        result = self.run_group("gpu_polled 33554432", "mapping large")
        self.assertEqual(result.failures, [
            f"decrypt 32 MiB, {rivals.POLLED}: gpu_polled 33554432: it fell",
            "driver: map 1 MiB for the device, pages of 2 MiB: mapping large: it fell"])

    def test_the_driver_is_held_against_the_first_of_each_figure(self):
        rows = {row.name: row for row in self.run_group().rows}
        for figure in rivals.DRIVER_FIGURES:
            for at, (name, _) in enumerate(figure.figures):
                row = rows[f"{figure.title}: {name}"]
                self.assertEqual(row.baseline, 1000 if at else None)
                self.assertEqual(row.goal is not None, figure.unit == PER_SECOND)

    def test_without_the_kernel_nothing_runs_and_nothing_fails(self):
        def refuse(_):
            raise VmError("can't download it\n  mend: nothing")
        with mock.patch.object(kernel, "prepare", refuse), \
                mock.patch.object(rivals, "PLUGIN_OBJECT", pathlib.Path(__file__)):
            result = rivals.run(EFFORT)
        self.assertEqual(result, Result([], ["not run: can't download it"], []))


class KernelTest(unittest.TestCase):
    def test_a_cached_kernel_is_taken_by_its_flavour(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = pathlib.Path(folder)
            for version in ("6.1.0-56-amd64", "6.1.0-56-cloud-amd64", "6.1.0-57-rt-amd64",
                            "6.12.9+deb13-amd64", "6.1.0-55-cloud-amd64"):
                (cache / f"kernel-{version}").mkdir()
                (cache / f"kernel-{version}/vmlinux").touch()
            self.assertEqual(kernel._find_cached(kernel.CLOUD, cache).version, "6.1.0-56-cloud-amd64")
            self.assertEqual(kernel._find_cached(kernel.STANDARD, cache).version, "6.12.9+deb13-amd64")

    def test_a_kernel_of_another_flavour_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = pathlib.Path(folder)
            (cache / "kernel-6.1.0-56-cloud-amd64").mkdir()
            (cache / "kernel-6.1.0-56-cloud-amd64/vmlinux").touch()
            self.assertIsNone(kernel._find_cached(kernel.STANDARD, cache))


if __name__ == "__main__":
    unittest.main(verbosity=2)
