#!/usr/bin/env python3
"""Every kind of include that breaks the house's table is caught, and the allowed ones are not."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
import check_includes  # noqa: E402

HEADERS = [
    "abi/pci_function.h", "base/result.h", "firmware/firmware.h", "firmware/platform.h",
    "firmware/key_store.h", "device/gpu.h", "device/ports.h", "device/key_vault.h",
    "device/crypto/aes_ctr.h", "emulator/boundary/recorder.h", "emulator/in_process/host.h",
    "emulator/qemu/shim.h", "kmd/adapter.h", "kmd/ports/vfio/function.h", "umd/entry.h",
    "umd/ddi/d3d10umddi.h", "runtime/adapter.h", "examples/player.h", "tests/vectors/reader.h",
]

REFUSED = [
    ("abi/registers.h", "base/result.h", "the contract stands alone"),
    ("base/trace.h", "abi/pci_function.h", "base stands alone"),
    ("firmware/session.cc", "device/key_vault.h", "firmware reaches hardware by platform.h"),
    ("device/processor.cc", "firmware/key_store.h", "the chip sees only the firmware's door"),
    ("device/gpu.cc", "emulator/in_process/host.h", "the chip knows no host"),
    ("device/gpu.cc", "kmd/adapter.h", "the chip knows no driver"),
    ("device/crypto/oaep.cc", "device/key_vault.h", "crypto blocks know no chip"),
    ("device/crypto/oaep.cc", "abi/pci_function.h", "crypto blocks know no contract"),
    ("emulator/in_process/host.cc", "device/key_vault.h", "a host sees the public headers only"),
    ("emulator/in_process/host.cc", "emulator/qemu/shim.h", "a host knows no other host"),
    ("emulator/boundary/recorder.cc", "emulator/in_process/host.h", "the boundary knows no host"),
    ("emulator/cli/ward.cc", "kmd/adapter.h", "no emulator includes the driver"),
    ("emulator/qemu/shim.cc", "umd/entry.h", "no emulator includes the driver"),
    ("emulator/qemu/shim.cc", "runtime/adapter.h", "no emulator includes the runtime"),
    ("kmd/adapter.cc", "emulator/in_process/host.h", "the driver knows no emulator"),
    ("kmd/adapter.cc", "device/gpu.h", "the driver knows no chip"),
    ("kmd/adapter.cc", "kmd/ports/vfio/function.h", "the core knows no port"),
    ("kmd/ports/vfio/function.cc", "runtime/adapter.h", "a port knows no runtime"),
    ("umd/device.cc", "kmd/adapter.h", "the UMD reaches the kernel by callbacks"),
    ("umd/device.cc", "runtime/adapter.h", "includes point down"),
    ("umd/ddi/d3d11umddi.h", "umd/entry.h", "the DDI does not pull the driver in"),
    ("runtime/adapter.cc", "umd/entry.h", "the runtime enters by the DDI"),
    ("runtime/adapter.cc", "device/gpu.h", "the runtime knows no chip"),
    ("runtime/adapter.cc", "emulator/in_process/host.h", "the runtime knows no emulator"),
    ("examples/player.cc", "kmd/adapter.h", "an application sees the ports only"),
    ("examples/player.cc", "umd/ddi/d3d10umddi.h", "an application sees the runtime only"),
    ("examples/player.cc", "device/gpu.h", "an application knows no chip"),
    ("runtime/adapter.cc", "tests/vectors/reader.h", "nothing includes tests"),
    ("tools/probe.cc", "base/result.h", "a folder that the table does not name"),
]

ALLOWED = [
    ("firmware/session.cc", "abi/pci_function.h"), ("firmware/session.cc", "firmware/platform.h"),
    ("device/processor.cc", "firmware/firmware.h"), ("device/processor.cc", "firmware/platform.h"),
    ("device/key_vault.cc", "device/crypto/aes_ctr.h"), ("device/crypto/oaep.cc", "base/result.h"),
    ("emulator/in_process/host.cc", "device/gpu.h"), ("emulator/qemu/shim.cc", "device/ports.h"),
    ("emulator/in_process/host.cc", "emulator/boundary/recorder.h"),
    ("emulator/cli/ward.cc", "emulator/in_process/host.h"),
    ("kmd/adapter.cc", "abi/pci_function.h"), ("kmd/ports/vfio/function.cc", "kmd/adapter.h"),
    ("umd/entry.cc", "umd/ddi/d3d10umddi.h"), ("runtime/adapter.cc", "umd/ddi/d3d10umddi.h"),
    ("runtime/adapter.cc", "kmd/adapter.h"), ("examples/player.cc", "runtime/adapter.h"),
    ("examples/player.cc", "kmd/ports/vfio/function.h"), ("tests/unit/x_test.cc", "umd/entry.h"),
    ("tests/unit/x_test.cc", "device/key_vault.h"),
]


class CheckIncludesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for header in HEADERS:
            self.write(header, "#pragma once\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def violations_of(self, source, text):
        """The violations of a tree that has one more file."""
        self.write(source, text)
        return check_includes.check_tree(self.root)[0]

    def test_each_forbidden_include_is_reported_with_file_and_line(self):
        for source, included, why in REFUSED:
            with self.subTest(why, source=source, included=included):
                found = self.violations_of(source, f'// one\n#include "{included}"\n')
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{source}:2: {included} "), found[0])
                (self.root / source).unlink()

    def test_each_allowed_include_passes(self):
        for source, included in ALLOWED:
            with self.subTest(source=source, included=included):
                self.assertEqual(self.violations_of(source, f'#include "{included}"\n'), [])

    def test_own_header_that_does_not_exist_is_reported(self):
        found = self.violations_of("device/a.cc", '#include "device/nowhere.h"\n')
        self.assertIn("no file of this tree", found[0])

    def test_own_header_that_is_not_written_from_the_root_is_reported(self):
        found = self.violations_of("device/a.cc", '#include "ports.h"\n')
        self.assertIn("from its root", found[0])

    def test_own_header_in_angle_brackets_is_reported(self):
        self.assertIn("takes quotes", self.violations_of("umd/a.cc", "#include <kmd/adapter.h>\n")[0])

    def test_path_that_climbs_is_reported(self):
        found = self.violations_of("umd/a.cc", '#include "../kmd/adapter.h"\n')
        self.assertIn("climbs", found[0])

    def test_include_with_spaces_before_and_after_the_hash_is_seen(self):
        self.assertEqual(len(self.violations_of("umd/a.cc", '  #  include "kmd/adapter.h"\n')), 1)

    def test_include_in_a_comment_or_a_package_header_passes(self):
        text = '// #include "kmd/adapter.h"\n#include <vector>\n#include "catch2/catch_all.hpp"\n'
        self.assertEqual(self.violations_of("umd/a.cc", text), [])

    def test_every_violation_of_a_file_is_reported(self):
        text = '#include "kmd/adapter.h"\n#include "base/result.h"\n#include "device/gpu.h"\n'
        self.assertEqual(len(self.violations_of("umd/a.cc", text)), 2)

    def test_build_folders_are_not_read(self):
        self.assertEqual(self.violations_of("build/x/a.cc", '#include "kmd/adapter.h"\n'), [])


if __name__ == "__main__":
    unittest.main()
