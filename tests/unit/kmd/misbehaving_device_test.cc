// The driver against devices that lie, stop or vanish: an error each time, never a crash or a hang.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "kmd/adapter.h"
#include "tests/unit/kmd/fake_function.h"

namespace ward::kmd {
namespace {

constexpr abi::AllocationData kOnePage{0x10000, 1, 4096, 0, 0, 0, 0, 0, {}};
constexpr std::array<uint8_t, 16> kNoop = {1, 0, 0, 0, 16};

// An adapter with a device and, unless the test wants to make it, a context.
struct Driver {
  Driver() {
    auto opened = Adapter::Open(&function);
    REQUIRE(opened.ok());
    adapter = std::move(opened.value());
    device = adapter->CreateDevice().value();
  }
  ContextHandle MakeContext() {
    auto made = adapter->CreateContext(device);
    REQUIRE(made.ok());
    return made.value();
  }
  Result<uint64_t> SubmitNoop(ContextHandle context) {
    return adapter->Submit(device, context, kNoop, {}, {});
  }

  FakeFunction function;
  std::unique_ptr<Adapter> adapter;
  DeviceHandle device = 0;
};

TEST_CASE("a queue that runs out of memory half way leaves nothing behind") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  const size_t before = driver.function.live_buffers();
  for (int failing = 1; failing <= 2; ++failing) {  // the commands' buffer, the ring
    driver.function.failing_allocation = failing;
    const auto refused = driver.SubmitNoop(context);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.fault().status == abi::kStatusOutOfMemory);
    CHECK(driver.function.live_buffers() == before);
  }
  CHECK(driver.SubmitNoop(context).value() == 1);
}

TEST_CASE("an answer that is none is DEVICE_GONE, and one that refuses gives its status") {
  Driver driver;
  ProtectedOutputs& outputs = driver.adapter->protected_outputs();
  const auto ask = [&](uint32_t status, uint32_t length, uint32_t message) {
    std::vector<uint8_t> answer(32);
    StoreLe(answer.data(), status);
    StoreLe(answer.data() + 4, length);
    StoreLe(answer.data() + 8, message);
    StoreLe<uint32_t>(answer.data() + 16, 0x10000);
    driver.function.answer = answer;
    const auto made = outputs.CreateProtectedOutput(0, 1);
    return made.ok() ? abi::kStatusOk : made.fault().status;
  };
  CHECK(ask(0, 32, 32) == abi::kStatusOk);
  CHECK(ask(0, 32, 33) == abi::kStatusDeviceGone);
  CHECK(ask(0, 32, 0) == abi::kStatusDeviceGone);
  for (const uint32_t length : {0u, 16u, 31u, 33u, 0xffffffffu}) {
    CHECK(ask(0, length, 32) == abi::kStatusDeviceGone);
  }
  CHECK(ask(0x615, 16, 32) == 0x615);
  CHECK(ask(0xffffffff, 0xffffffff, 32) == 0xffffffff);
  // One that never came: the last one's is not taken again.
  REQUIRE(ask(0, 32, 32) == abi::kStatusOk);
  driver.function.answer.clear();
  CHECK(outputs.CreateProtectedOutput(0, 1).fault().status == abi::kStatusDeviceGone);
}

TEST_CASE("a chain that says another size each time is not taken for a whole one") {
  Driver driver;
  std::vector<uint8_t> answer(16 + 16 + 4096);
  StoreLe<uint32_t>(answer.data() + 4, 32);
  StoreLe<uint32_t>(answer.data() + 8, 3);
  StoreLe<uint32_t>(answer.data() + 16, 0xffff);
  driver.function.answer = answer;
  std::vector<uint8_t> chain(100);
  CHECK(driver.adapter->protected_outputs().GetCertificateSize().value() == 0xffff);
  CHECK(driver.adapter->protected_outputs().GetCertificate(chain).fault().status ==
        abi::kStatusInvalidArgument);
}

TEST_CASE("a device whose certificate chain is too long to be one is asked for no part of it") {
  Driver driver;
  std::vector<uint8_t> answer(16 + 16);
  StoreLe<uint32_t>(answer.data() + 4, 32);
  StoreLe<uint32_t>(answer.data() + 8, 3);
  const auto size_of_chain = [&](uint32_t said) {
    StoreLe(answer.data() + 16, said);
    driver.function.answer = answer;
    return driver.adapter->protected_outputs().GetCertificateSize();
  };
  CHECK(size_of_chain(ProtectedOutputs::kMaximumCertificateBytes).value() == 128 << 10);
  for (const uint32_t said : {ProtectedOutputs::kMaximumCertificateBytes + 1, 0xffffffffu}) {
    CHECK(size_of_chain(said).fault().status == abi::kStatusDeviceGone);
  }
  const auto executed = driver.function.executed;
  std::vector<uint8_t> chain((128 << 10) + 1);
  StoreLe<uint32_t>(answer.data() + 16, static_cast<uint32_t>(chain.size()));
  driver.function.answer = answer;
  CHECK(driver.adapter->protected_outputs().GetCertificate(chain).fault().status ==
        abi::kStatusDeviceGone);
  const auto messages = [](std::map<uint16_t, int> commands) { return commands[0x50]; };
  CHECK(messages(driver.function.executed) == messages(executed) + 1);
}

TEST_CASE("messages that are too long for the kernel's queue are refused before it") {
  Driver driver;
  const std::vector<uint8_t> parameters(KernelQueue::kMaximumPayloadBytes);
  const auto executed = driver.function.executed;
  CHECK(
      driver.adapter->protected_outputs().ConfigureProtectedOutput(1, parameters).fault().status ==
      abi::kStatusInvalidArgument);
  CHECK(driver.function.executed == executed);
}

TEST_CASE("without memory for answers no message is sent") {
  Driver driver;
  driver.function.failing_allocation = 1;
  CHECK(driver.adapter->protected_outputs().CreateProtectedOutput(0, 1).fault().status ==
        abi::kStatusOutOfMemory);
}

TEST_CASE("fences that nobody submitted are of no use to a caller") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.fence_surplus = GENERATE(uint64_t{1000}, uint64_t{1} << 63);
  for (uint64_t fence = 1; fence <= 1000; ++fence) {
    REQUIRE(driver.SubmitNoop(context).value() == fence);
    REQUIRE(driver.adapter->WaitFence(driver.device, context, fence).ok());
    REQUIRE(driver.adapter->WaitFence(driver.device, context, fence + 1).fault().status ==
            abi::kStatusInvalidArgument);
  }
}

TEST_CASE("a device that never answers is a timeout, however often it interrupts") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.writes_fences = false;
  const uint64_t fence = driver.SubmitNoop(context).value();
  SECTION("silent") {}
  SECTION("interrupting without end") { driver.function.interrupts_always = true; }
  CHECK(driver.adapter->WaitFence(driver.device, context, fence).fault().status ==
        abi::kStatusDeviceTimeout);
}

TEST_CASE("a full ring of a device that does nothing is a timeout") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.writes_fences = false;
  uint32_t status = abi::kStatusOk;
  for (int i = 0; i < 100000 && status == abi::kStatusOk; ++i) {
    const auto fence = driver.SubmitNoop(context);
    if (!fence.ok()) status = fence.fault().status;
  }
  CHECK(status == abi::kStatusDeviceTimeout);
}

TEST_CASE("a device that works only when it must is never overrun") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.works_only_when_waited_for = true;
  // Small buffers fill the ring first, long ones the room for commands.
  const size_t bytes = GENERATE(16u, 4096u, 200u << 10);
  const int count = bytes == 16 ? 10000 : 300;
  std::vector<uint8_t> commands(bytes);
  for (size_t at = 0; at < bytes; at += 16) std::copy(kNoop.begin(), kNoop.end(), &commands[at]);
  uint64_t last = 0;
  for (int i = 0; i < count; ++i) {
    const auto fence = driver.adapter->Submit(driver.device, context, commands, {}, {});
    REQUIRE(fence.ok());
    last = fence.value();
  }
  CHECK(last == static_cast<uint64_t>(count));
  CHECK(driver.adapter->WaitFence(driver.device, context, last).ok());
  CHECK_FALSE(driver.function.straddled);
  CHECK(driver.function.waits < count / 2 + 20);  // most submissions find room without waiting
}

TEST_CASE("a function that vanishes is gone to every caller") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  const AllocationHandle page = driver.adapter->Allocate(driver.device, kOnePage).value();
  driver.function.writes_fences = false;
  auto fence = driver.adapter->Submit(driver.device, context, kNoop, std::array{page}, {});
  REQUIRE(fence.ok());
  driver.function.is_gone = true;
  CHECK(driver.adapter->WaitFence(driver.device, context, fence.value()).fault().status ==
        abi::kStatusDeviceGone);
  CHECK(driver.adapter->Lock(driver.device, page).fault().status == abi::kStatusDeviceGone);
  driver.adapter.reset();
  CHECK(driver.function.live_buffers() == 0);
}

TEST_CASE("a faulted kernel queue fails its command and starts again") {
  Driver driver;
  driver.function.faulty_queue = 0;
  CHECK(driver.adapter->CreateContext(driver.device).fault().status == abi::kStatusQueueFaulted);
  driver.function.faulty_queue = ~0u;
  CHECK(driver.adapter->CreateContext(driver.device).ok());
  // The refused one was dropped with the ring: it does not run after all.
  CHECK(driver.function.executed[abi::ContextCreateCommand::kOpcode] == 1);
}

TEST_CASE("a kernel queue that times out is not waited for again") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.writes_fences = false;
  CHECK(driver.adapter->CreateContext(driver.device).fault().status == abi::kStatusDeviceTimeout);
  driver.function.waits = 0;
  CHECK(driver.adapter->CreateContext(driver.device).fault().status == abi::kStatusDeviceGone);
  driver.adapter->DestroyDevice(driver.device);
  CHECK(driver.function.waits == 0);
  (void)context;
}

TEST_CASE("a context that let one free wait in vain holds up no other") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  const AllocationHandle first = driver.adapter->Allocate(driver.device, kOnePage).value();
  const AllocationHandle second = driver.adapter->Allocate(driver.device, kOnePage).value();
  const auto status_of_free = [&](AllocationHandle allocation) {
    const Result<void> freed = driver.adapter->Free(driver.device, allocation);
    return freed.ok() ? abi::kStatusOk : freed.fault().status;
  };
  driver.function.works_only_when_waited_for = true;
  driver.function.writes_fences = false;
  REQUIRE(driver.SubmitNoop(context).ok());
  CHECK(status_of_free(first) == abi::kStatusDeviceTimeout);
  CHECK(driver.function.patience_ms == 10000);
  CHECK(status_of_free(second) == abi::kStatusDeviceTimeout);
  CHECK(driver.function.patience_ms == 10000);
  // It goes on: both are freed, and it gets its time again.
  driver.function.writes_fences = true;
  CHECK(status_of_free(first) == abi::kStatusOk);
  driver.function.patience_ms = 0;
  REQUIRE(driver.SubmitNoop(context).ok());
  CHECK(status_of_free(second) == abi::kStatusOk);
  CHECK(driver.function.patience_ms >= 10000);
}

TEST_CASE("protected memory that the device does not clear is not handed out") {
  Driver driver;
  constexpr abi::AllocationData kAll{0x10000, 2, FakeFunction::kProtectedBytes, 0, 0, 0, 0, 0, {}};
  uint32_t expected = abi::kStatusDeviceInErrorState;
  SECTION("refused") { driver.function.refuses_fills = true; }
  SECTION("faulted") {
    driver.function.faulty_queue = 0;
    expected = abi::kStatusQueueFaulted;
  }
  const auto refused = driver.adapter->Allocate(driver.device, kAll);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.fault().status == expected);
  // It was given back: the device may do better next time.
  driver.function.refuses_fills = false;
  driver.function.faulty_queue = ~0u;
  CHECK(driver.adapter->Allocate(driver.device, kAll).ok());
}

TEST_CASE("a mode list without end and sizes that do not match are refused") {
  Driver driver;
  driver.function.BarWrite32(0, 0x4008, 0xffffffff);  // OUTPUT_MODE_COUNT
  CHECK(driver.adapter->SetMode(0, 640, 480).fault().status == abi::kStatusInvalidArgument);
  driver.function.BarWrite32(0, 0x4040, 640 | 480 << 16);  // mode 0, and OUTPUT_SIZE says nothing
  CHECK(driver.adapter->SetMode(0, 640, 480).fault().status == abi::kStatusDeviceTimeout);
  driver.function.BarWrite32(0, 0x4014, 640 | 480 << 16);
  CHECK(driver.adapter->SetMode(0, 640, 480).ok());
  CHECK(driver.adapter->SetMode(1, 640, 480).fault().status == abi::kStatusInvalidArgument);
  CHECK(driver.adapter->SetMode(0, 640 + 65536, 480).fault().status == abi::kStatusInvalidArgument);
}

TEST_CASE("an adapter that is gone is not recovered before it is back") {
  Driver driver;
  const ContextHandle context = driver.MakeContext();
  driver.function.is_gone = true;
  CHECK(driver.adapter->CheckHealth() == AdapterHealth::kGone);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto report = driver.adapter->Recover();
    REQUIRE_FALSE(report.ok());
    CHECK(report.fault().status == abi::kStatusDeviceGone);
  }
  CHECK(driver.SubmitNoop(context).fault().status == abi::kStatusDeviceReset);
  driver.function.is_gone = false;
  CHECK(driver.adapter->CheckHealth() == AdapterHealth::kReset);
  const auto report = driver.adapter->Recover();
  REQUIRE(report.ok());
  CHECK(report.value().lost_devices == 0);  // they were counted the first time
  CHECK(driver.adapter->CheckHealth() == AdapterHealth::kGood);
  driver.adapter->DestroyDevice(driver.device);
  driver.device = driver.adapter->CreateDevice().value();
  CHECK(driver.SubmitNoop(driver.MakeContext()).ok());
}

TEST_CASE("an adapter that comes back as another one, or without its firmware, is not recovered") {
  Driver driver;
  driver.function.visible_bytes /= 2;
  driver.function.PowerOn();
  CHECK(driver.adapter->Recover().fault().status == abi::kStatusDeviceNotOurs);
  driver.function.visible_bytes *= 2;
  driver.function.magic = 1;
  CHECK(driver.adapter->Recover().fault().status == abi::kStatusDeviceNotOurs);
  driver.function.magic = 0x44524157;
  driver.function.firmware_state = 2;
  CHECK(driver.adapter->Recover().fault().status == abi::kStatusDeviceNotReady);
  driver.function.firmware_state = 1;
  CHECK(driver.adapter->Recover().ok());
}

}  // namespace
}  // namespace ward::kmd
