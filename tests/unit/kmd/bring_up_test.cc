#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "kmd/adapter.h"
#include "tests/unit/kmd/fake_function.h"

namespace ward::kmd {
namespace {

uint32_t StatusOf(const Result<std::unique_ptr<Adapter>>& opened) {
  return opened.ok() ? abi::kStatusOk : opened.fault().status;
}

bool IsGivenBack(const FakeFunction& function) {
  return function.live_buffers() == 0 && !function.bus_master && function.vectors == 0;
}

TEST_CASE("a healthy function opens and is given back when the adapter ends") {
  FakeFunction function;
  {
    auto opened = Adapter::Open(&function);
    REQUIRE(StatusOf(opened) == abi::kStatusOk);
    CHECK(function.bus_master);
    CHECK(function.vectors == 2);
    CHECK(function.live_buffers() == 1);  // the kernel's ring
    const abi::AdapterData info = opened.value()->Info();
    CHECK(info.abi_version == 0x10000);
    CHECK(info.features == 0x3f);
    CHECK(info.session_count == 64);
    CHECK(info.visible_vram_bytes == FakeFunction::kVramBytes);
    CHECK(info.protected_vram_bytes == FakeFunction::kProtectedBytes);
    function.events.clear();
  }
  CHECK(IsGivenBack(function));
  // Memory that the function could still write to is freed after the reset, not before.
  REQUIRE(function.events.size() == 2);
  CHECK(function.events[0] == "reset");
  CHECK(function.events[1] == "free");
}

TEST_CASE("another magic is refused before anything is written") {
  FakeFunction function;
  function.magic = GENERATE(0x44524158u, 0u, 0xffffffffu);
  function.PowerOn();
  function.events.clear();
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusDeviceNotOurs);
  CHECK(function.register_writes == 0);
  CHECK(function.events.empty());
}

TEST_CASE("another ABI major version is refused, another minor one is not") {
  FakeFunction function;
  const auto [version, status] =
      GENERATE(std::pair(0x20000u, abi::kStatusDeviceNotOurs),
               std::pair(0x00001u, abi::kStatusDeviceNotOurs), std::pair(0x10007u, abi::kStatusOk));
  function.abi_version = version;
  function.PowerOn();
  CHECK(StatusOf(Adapter::Open(&function)) == status);
  CHECK(IsGivenBack(function));
}

TEST_CASE("firmware that fails or never starts makes the device not ready") {
  FakeFunction function;
  function.firmware_state = GENERATE(2u, 0u, 3u);
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusDeviceNotReady);
  CHECK(IsGivenBack(function));
  // A failure is final; everything else gets its time, which ends.
  if (function.firmware_state == 2) CHECK(function.waits == 0);
  if (function.firmware_state != 2) CHECK(function.waits > 1);
}

TEST_CASE("firmware that starts late is waited for") {
  FakeFunction function;
  function.firmware_state = 0;
  function.firmware_ready_after_waits = 7;
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusOk);
  CHECK(function.waits == 7);
}

TEST_CASE("limits that contradict the contract are refused") {
  FakeFunction function;
  SECTION("visible VRAM larger than its BAR") { function.visible_bytes = 2 << 20; }
  SECTION("visible VRAM of part of a page") { function.visible_bytes = 0x80001; }
  SECTION("protected VRAM over visible VRAM") { function.protected_base = 0; }
  SECTION("protected VRAM beyond 52 bits") { function.protected_base = 0xffffffffff000; }
  SECTION("protected VRAM that wraps") { function.protected_base = 0xfffffffffffff000; }
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusDeviceNotOurs);
  CHECK(IsGivenBack(function));
}

TEST_CASE("no memory for the kernel's ring fails the open and leaves nothing behind") {
  FakeFunction function;
  function.failing_allocation = 1;
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusOutOfMemory);
  CHECK(IsGivenBack(function));
}

TEST_CASE("VRAM that can be neither mapped nor accessed makes the device not ready") {
  FakeFunction function;
  function.can_map_vram = false;
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusDeviceNotReady);
  CHECK(IsGivenBack(function));
}

TEST_CASE("one vector is enough, none is not") {
  FakeFunction function;
  SECTION("one") {
    function.vector_limit = 1;
    auto opened = Adapter::Open(&function);
    REQUIRE(opened.ok());
    CHECK(function.vectors == 1);
    for (uint32_t source = 0; source < 20; ++source)
      CHECK(function.Register(0x280 + 4 * source) == 0);
  }
  SECTION("none") {
    function.vector_limit = 0;
    CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusOutOfMemory);
    CHECK(IsGivenBack(function));
  }
}

TEST_CASE("causes that the reset left are cleared before they can interrupt") {
  FakeFunction function;
  function.causes_after_reset = 1u << 18;  // KEYS_LOST
  CHECK(StatusOf(Adapter::Open(&function)) == abi::kStatusOk);
  CHECK_FALSE(function.enabled_old_cause);
}

TEST_CASE("protected memory of any size is cleared whole, in FILLs of at most 256 MiB") {
  using Fill = FakeFunction::Fill;
  FakeFunction function;
  function.protected_bytes = 1ull << 30;
  auto opened = Adapter::Open(&function);
  REQUIRE(opened.ok());
  const DeviceHandle device = opened.value()->CreateDevice().value();
  const auto allocate = [&](uint64_t size_bytes) {
    return opened.value()->Allocate(device, {0x10000, 2, size_bytes, 0, 0, 0, 0, 0, {}}).ok();
  };
  constexpr uint64_t kFirst = 0x8000000000000000 | FakeFunction::kProtectedBase;
  REQUIRE(allocate(100));  // a whole page all the same
  REQUIRE(allocate((512ull << 20) + 4096));
  constexpr uint64_t kSecond = kFirst + (2 << 20);  // where large pages can map it
  CHECK(function.fills == std::vector<Fill>{{kFirst, 0, 4096, 1},
                                            {kSecond, 0, 256 << 20, 1},
                                            {kSecond + (256 << 20), 0, 256 << 20, 1},
                                            {kSecond + (512 << 20), 0, 4096, 1}});
}

TEST_CASE("a host without function-level reset resets by register") {
  FakeFunction function;
  function.can_reset = false;
  function.events.clear();
  auto opened = Adapter::Open(&function);
  REQUIRE(opened.ok());
  CHECK(std::count(function.events.begin(), function.events.end(), "reset") == 1);
}

}  // namespace
}  // namespace ward::kmd
