#!/usr/bin/env python3
"""`ward info, peek, poke, ring, dma, doctor`: functions by the names of the contract.

Usage: test_ward_bench.py WARD
"""

import pathlib
import tempfile
import unittest

from ward_tool import Served, description, run, run_json


class Registers(unittest.TestCase):
    def test_info_tells_what_the_contract_says(self):
        pci = {c["name"]: c["value"] for c in description("pci.toml")["constant"]}
        info = run_json("info")
        self.assertEqual(info["abi"], f"{pci['ABI_MAJOR']}.{pci['ABI_MINOR']}")
        self.assertEqual(info["config"]["VENDOR_ID"], pci["VENDOR_ID"])
        self.assertEqual(info["registers"]["DEVICE_MAGIC"], 0x44524157)
        self.assertIn("COPY_ENGINE", info["features"])
        self.assertIn("OPEN_DECRYPT", info["absent_features"])
        self.assertIn("VISIBLE_VRAM_SIZE", run("info")[0])

    def test_fields_are_decoded(self):
        status, version = run_json("peek", "QUEUE_STATUS[3]", "ABI_VERSION.MAJOR")
        self.assertEqual((status["offset"], status["fields"]), (0x1304, {"STATE": 0, "HUNG": 0}))
        self.assertEqual(version["fields"], {"MAJOR": 1})

    def test_an_array_and_a_count(self):
        self.assertEqual(len(run_json("peek", "QUEUE_STATUS")), 16)
        self.assertEqual([r["register"] for r in run_json("peek", "0x1000", "--count", "3")],
                         ["QUEUE_CONTROL[0]", "QUEUE_STATUS[0]", "RING_BASE_LO[0]"])

    def test_a_64_bit_register_whole_and_in_halves(self):
        whole, upper = run_json("peek", "PROTECTED_VRAM_BASE", "PROTECTED_VRAM_BASE_HI")
        self.assertEqual((whole["value"], upper["value"]), (0x4000000000, 0x40))

    def test_pokes_of_fields_keep_the_others(self):
        _, _, both = run_json("poke", "INTERRUPT_MODERATION.COUNT=5",
                              "INTERRUPT_MODERATION.MICROSECONDS=7", "SCRATCH=0xdecade")
        self.assertEqual(both["value"], 0xdecade)
        done = run_json("poke", "INTERRUPT_MODERATION.COUNT=5", "INTERRUPT_MODERATION.MICROSECONDS=7")
        self.assertEqual(done[1]["value"], 7 << 16 | 5)

    def test_mistakes_come_before_anything_is_done(self):
        for arguments, said in ((["poke", "SCRTCH=1"], "did you mean SCRATCH?"),
                                (["poke", "SCRATCH=0x100000000"], "column 9"),
                                (["peek", "QUEUE_STATUS[99]"], "from 0 to 15"),
                                (["ring", "FENCE valu=1"], "did you mean value?")):
            self.assertIn(said, run(*arguments, "-f", "vfio-user:/nowhere", code=2)[1])

    def test_a_function_that_is_not_there(self):
        self.assertIn("/nowhere", run("peek", "SCRATCH", "-f", "vfio-user:/nowhere", code=1)[1])


class Engines(unittest.TestCase):
    def test_commands_and_what_became_of_them(self):
        done = run_json("ring", "FENCE INTERRUPT value=41")
        self.assertEqual((done["done"], done["fence"], done["fault"]), (True, 42, None))
        fault = run_json("ring", "FENCE value=1", "FILL destination=0x1000 value=0 row_bytes=4 row_count=1",
                         code=1)["fault"]
        self.assertEqual((fault["status"], fault["address"], fault["command"], fault["index"]),
                         ("BUS_ERROR", 0x1000, "FILL", 1))

    def test_bytes_are_moved_in_process_and_over_a_server(self):
        with Served() as where:
            for function in ("in-process", where):
                run("dma", "write", "0x1000", "c0ffee00aa", "--verify", "-f", function)
                run("dma", "fill", "0x2001", "3M", "0x01020304", "--verify", "-f", function)
                self.assertEqual(run_json("dma", "read", "0x1000", "4", "-f", function)["data"], "00000000")
        self.assertIn("ends at", run("dma", "read", "1G", "4", code=1)[1])
        run("dma", "write", "0x1000", "0g", code=2)


class Doctor(unittest.TestCase):
    def examine(self, root, *arguments, code=0):
        findings = run_json("doctor", "--root", str(root), *arguments, code=code)["findings"]
        return {f["subject"]: f for f in findings}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        actions = self.root / "proc/sys/kernel/seccomp/actions_avail"
        actions.parent.mkdir(parents=True)
        actions.write_text("kill_process kill_thread trap errno\n")

    def plug(self, driver):
        function = self.root / "sys/bus/pci/devices/0000:00:05.0"
        function.mkdir(parents=True)
        (function / "vendor").write_text("0x1234\n")
        (function / "device").write_text("0x5747\n")
        if driver:
            (function / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")
        (function / "iommu_group").symlink_to("../../../../kernel/iommu_groups/7")

    def test_a_machine_without_anything_has_nothing_to_mend(self):
        found = self.examine(self.root)
        self.assertEqual({found[s]["kind"] for s in ("identity", "vfio", "iommu", "function", "kvm")}, {"note"})
        self.assertEqual(found["seccomp"]["kind"], "ok")

    def test_a_function_of_another_driver(self):
        self.plug("snd")
        function = self.examine(self.root, code=1)["function"]
        self.assertEqual(function["kind"], "missing")
        self.assertIn("0000:00:05.0/driver_override", function["mend"])
        self.assertIn("0000:00:05.0/driver/unbind", function["mend"])

    def test_a_function_that_is_ready(self):
        self.plug("vfio-pci")
        (self.root / "dev/vfio").mkdir(parents=True)
        self.assertIn("/dev/vfio/7", self.examine(self.root, code=1)["function"]["mend"])
        (self.root / "dev/vfio/7").write_text("")
        self.assertEqual(self.examine(self.root)["function"]["kind"], "ok")

    def test_a_server_that_ends_while_it_is_looked_at(self):
        process = self.root / "proc/77"
        process.mkdir(parents=True)
        (process / "comm").write_text("ward\n")
        (process / "cmdline").mkdir()  # reading it fails, as that of a process that is gone does
        self.assertNotIn("server", self.examine(self.root))

    def test_sockets_and_identities(self):
        self.assertIn("is not there", self.examine("/", "/nowhere.sock", code=1)["socket"]["text"])
        self.assertIn("ward identity create",
                      self.examine(self.root, "--identity", "/nowhere", code=1)["identity"]["mend"])
        with Served() as where:
            found = run_json("doctor", where.removeprefix("vfio-user:"))["findings"]
        self.assertTrue(any(f["subject"] == "socket" and f["kind"] == "ok" for f in found))
        self.assertTrue(any(f["subject"] == "server" and where.removeprefix("vfio-user:") in f["text"]
                            for f in found))

    def test_a_socket_that_nobody_listens_at(self):
        import socket
        path = str(self.root / "dead.sock")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        self.assertIn("nobody listens", self.examine("/", path, code=1)["socket"]["text"])


if __name__ == "__main__":
    unittest.main()
