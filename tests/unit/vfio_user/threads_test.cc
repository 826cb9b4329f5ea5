// F16 of docs/security-model.md: several processors on one device, several devices in one process,
// resets against work. What two threads do to one connection is in some order, as a machine's bus
// puts it; the server's thread, its chip and all of them share nothing else. Also built with
// ThreadSanitizer (preset `threads`).
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/vfio_user/guest.h"

namespace ward::test {
namespace {

using abi::vfio_user::Command;

constexpr uint32_t kAccesses = 60;

constexpr int kCopies = 16;  // of long work: a device that is slowed down ends it in time

struct Machine : Guest {
  using Guest::Guest;
  std::mutex bus;
};

// A processor that writes its own count with its number, and reads what is there.
class Processor {
 public:
  Processor(Machine* machine, uint32_t number) : machine_(machine), number_(number) {}

  void Run() {
    for (uint32_t i = 1; i <= kAccesses; ++i) {
      {
        const std::lock_guard lock(machine_->bus);
        machine_->client.SetRegister(abi::kRegScratch, number_ << 16 | i);
      }
      uint32_t seen;
      {
        const std::lock_guard lock(machine_->bus);
        seen = machine_->client.Register(abi::kRegScratch);
      }
      Judge(seen, i);
    }
  }
  bool saw_sense() const { return saw_sense_; }

 private:
  // It is what this one wrote, or something newer than all of the other's that were seen, or a
  // reset was in between.
  void Judge(uint32_t seen, uint32_t own) {
    if (seen == 0) return;
    const uint32_t writer = seen >> 16, count = seen & 0xffff;
    if (writer == number_) {
      saw_sense_ = saw_sense_ && count == own;
    } else {
      saw_sense_ = saw_sense_ && writer == 3 - number_ && count >= newest_of_other_;
      newest_of_other_ = count;
    }
  }

  Machine* machine_;
  uint32_t number_;
  uint32_t newest_of_other_ = 0;
  bool saw_sense_ = true;
};

TEST_CASE("F16_ two processors on the same registers and resets against jobs: all in some order") {
  const ServedDevice device;
  for (const uint32_t seed : fakes::FaultSeeds()) {
    INFO("seed " << seed);
    std::mt19937 dice(seed);
    Machine machine(device);
    machine.BeginLongWork(kCopies);
    Processor first(&machine, 1), second(&machine, 2);
    std::thread other([&second] { second.Run(); });
    const uint32_t resets = dice() % 4;
    std::thread resetting([&machine, resets] {
      for (uint32_t i = 0; i < resets; ++i) {
        std::this_thread::yield();
        const std::lock_guard lock(machine.bus);
        machine.client.Call(Command::kReset, {});
        machine.client.PowerUp();
      }
    });
    first.Run();
    other.join();
    resetting.join();
    CHECK(first.saw_sense());
    CHECK(second.saw_sense());
    if (resets == 0) {
      CHECK(machine.driver.AwaitFence(99));
    } else {
      // Reset against the job: nothing of it is done any more.
      CHECK(machine.client.Register(abi::kRegQueueStatus) == 0);
      CHECK(machine.client.Register(abi::kRegLastFenceLo) == 0);
    }
  }
  CHECK(ServesFreshClient(device));
}

TEST_CASE("F16_ devices of one process work for clients on threads of their own, and none hears") {
  constexpr int kDevices = 3;
  for (const uint32_t seed : fakes::FaultSeeds()) {
    INFO("seed " << seed);
    const ServedDevice devices[kDevices];
    std::vector<std::unique_ptr<Machine>> machines;
    for (const ServedDevice& device : devices)
      machines.push_back(std::make_unique<Machine>(device));
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kDevices; ++i) {
      threads.emplace_back([&right, &machines, i, seed] {
        Machine& machine = *machines[static_cast<size_t>(i)];
        const uint32_t mark = seed * kDevices + static_cast<uint32_t>(i) + 1;
        machine.client.SetRegister(abi::kRegScratch, mark);
        for (uint32_t at = 0; at < 0x80000; at += 4096) {
          machine.ram.Store<uint32_t>(machine.ram.bus() + 0x80000 + at, mark + at);
        }
        machine.BeginLongWork(kCopies);
        bool is_right = machine.driver.AwaitFence(99);
        for (uint32_t at = 0; at < 0x80000; at += 4096) {
          is_right = is_right &&
                     machine.ram.Load<uint32_t>(machine.ram.bus() + 0x100000 + at) == mark + at;
        }
        if (is_right && machine.client.Register(abi::kRegScratch) == mark) ++right;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(right == kDevices);
  }
}

}  // namespace
}  // namespace ward::test
