#!/usr/bin/env python3
"""The firmware's RISC-V link passes freestanding code and refuses what the processor has not got."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "tools" / "check_firmware_riscv.sh"

GOOD = '''#include <array>
#include <cstring>
#include <span>
#include "base/result.h"
#include "base/secret_bytes.h"
class Platform {
 public:
  virtual ward::Result<int> Read(std::span<unsigned char> bytes) = 0;
 protected:
  ~Platform() = default;
};
class Rom final : public Platform {
 public:
  ward::Result<int> Read(std::span<unsigned char> bytes) override {
    ward::SecretBytes<64> key;
    std::memcpy(key.Expose().data(), kTable.data(), kTable.size());
    std::memcpy(bytes.data(), key.Expose().data(), bytes.size());
    if (bytes.empty()) return ward::Fault{1, "empty"};
    return 7;
  }
 private:
  static constexpr std::array<unsigned char, 64> kTable{1, 2, 3};
};
unsigned long SizeOfRom() { return sizeof(Rom); }
Platform* PlaceRom(void* memory) { return new (memory) Rom; }
'''

REFUSED = {
    "a global that changes": ("int counter = 1;\nint Next() { return ++counter; }\n",
                              "writable globals"),
    "a global that starts at zero": ("int counter;\nint Next() { return ++counter; }\n",
                                     "writable globals"),
    "a large zeroed array": ("char heap[65536];\nchar* Get() { return heap; }\n",
                             "writable globals"),
    "a static that is made at first use": (
        "int Make();\nint Get() { static int value = Make(); return value; }\n", "unresolved"),
    "the heap": ("int* Make() { return new int(3); }\n", "unresolved"),
    "a virtual destructor, which brings the heap in": (
        "struct A { virtual ~A(); };\nA::~A() {}\n", "unresolved"),
    "the C library": ('extern "C" int puts(const char*);\nvoid Say() { puts("x"); }\n',
                      "unresolved symbol: puts"),
    "an exception": ("void Throw() { throw 1; }\n", "exception handling disabled"),
    "RTTI": ("struct A { virtual void F(); };\nstruct B : A {};\n"
             "B* Cast(A* a) { return dynamic_cast<B*>(a); }\n", "fno-rtti"),
}


@unittest.skipUnless(shutil.which("riscv64-linux-gnu-g++"), "riscv64-linux-gnu-g++ is missing")
class CheckFirmwareRiscvTest(unittest.TestCase):
    def run_on(self, text):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "firmware.cc").write_text(text, encoding="utf-8")
            return subprocess.run(["bash", str(SCRIPT), folder], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)

    def test_freestanding_code_passes_and_its_sizes_are_printed(self):
        result = self.run_on(GOOD)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"1 files: text [1-9]\d*, read-only data [1-9]\d*")

    def test_what_the_processor_has_not_got_is_refused(self):
        for what, (text, message) in REFUSED.items():
            with self.subTest(what):
                result = self.run_on(text)
                self.assertNotEqual(result.returncode, 0, result.stdout)
                self.assertIn(message, result.stdout)


if __name__ == "__main__":
    unittest.main()
