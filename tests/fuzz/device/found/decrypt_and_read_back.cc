// Operations of the device target that are a test of their own.
//
// As a regression test: this file goes into tests/fuzz/device/found/, under a name and with a case
// that say what it is about. Then
//   cmake --build --preset debug --target fuzz_device_found
//   ctest --test-dir build/debug -R fuzz_device_found
#include <catch2/catch_test_macros.hpp>

#include "tests/fuzz/device/reproduce/hand.h"

namespace ward::fuzz {
namespace {

TEST_CASE("what a session decrypted is read back by it") {
  Hand chip(Hand::Start::kBase);
  // what the oracles may hold the chip to: commands and tables are where the base has them
  chip.Promise(0x4);
  // ring of queue 1 at 0x640: DECRYPT_BLT session 65537 length_bytes 101 destination 0xc0000 source
  // 0x3000 iv 00000000000000010000000000000000
  chip.WriteMemory(0x10041640,
                   "2000000050000000010001006500000000000c0000000000003000000000000000000000"
                   "00000001+00*40");
  // ring of queue 1 at 0x690: ENCRYPT_BLT session 65537 length_bytes 101 destination 0x43000 source
  // 0xc0000 iv_address 0x83000
  chip.WriteMemory(0x10041690,
                   "21000000300000000100010065000000003004000000000000000c000000000000300800"
                   "000000000000000000000000");
  // DOORBELL[0]
  chip.WriteRegister(0x100000, 4, 0x70);
  // DOORBELL[1]
  chip.WriteRegister(0x110000, 4, 0x6c0);
  // DOORBELL[2]
  chip.WriteRegister(0x120000, 4, 0x0);
  // DOORBELL[3]
  chip.WriteRegister(0x130000, 4, 0x200);
  // a slice of work, of 16384 bytes
  chip.Process(0x4000);
  // 50 us pass
  chip.AdvanceClock(0xc350);
  // a slice of work, of 16384 bytes
  chip.Process(0x4000);
  // 50 us pass
  chip.AdvanceClock(0xc350);
  // a slice of work, of 16384 bytes
  chip.Process(0x4000);
  CHECK(chip.Outcome() ==
        "queue 0 FAULT_STATUS OK"
        " REFUSAL_COUNT 0 REFUSAL_STATUS OK LAST_FENCE 0x0 RING_HEAD 0x70\n"
        "queue 1 FAULT_STATUS OK"
        " REFUSAL_COUNT 0 REFUSAL_STATUS OK LAST_FENCE 0x0 RING_HEAD 0x6c0\n"
        "queue 2 FAULT_STATUS OK"
        " REFUSAL_COUNT 0 REFUSAL_STATUS OK LAST_FENCE 0x0 RING_HEAD 0x0\n"
        "queue 3 FAULT_STATUS OK"
        " REFUSAL_COUNT 0 REFUSAL_STATUS OK LAST_FENCE 0x0 RING_HEAD 0x200\n"
        "KEY_EPOCH grew by 0\n");
}

}  // namespace
}  // namespace ward::fuzz
