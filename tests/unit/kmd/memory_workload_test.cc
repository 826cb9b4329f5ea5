// A random workload over too little visible VRAM, beside a model that knows contents and nothing of
// where they lie. Seeded: a failure repeats.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 360;
constexpr uint32_t kPitch = 4 * kWidth;
constexpr uint32_t kSurfaceBytes = kPitch * kHeight;
constexpr uint64_t kVram = 4 << 20;
constexpr uint64_t kSystemBytes = 12 << 20;
constexpr uint32_t kMaximumBytes = 700 << 10;
constexpr int kSteps = 400;

struct Modelled {
  AllocationHandle handle;
  std::vector<uint8_t> content;
  bool is_surface = false;
  bool is_offered = false;
  uint32_t residents = 0;
  std::optional<ByteSpan> view;  // while locked
};

struct Party {
  explicit Party(ChipMachine* machine) : client(machine) {}
  Client client;
  std::vector<Modelled> allocations;
};

emulator::InProcessOptions Options() {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = kVram;
  return options;
}

class Workload {
 public:
  explicit Workload(uint32_t seed) : random_(seed), machine_(Options()) {
    REQUIRE(machine_.adapter->SetMode(0, kWidth, kHeight).ok());
    free_bytes_ = machine_.adapter->Memory().free_visible_bytes;
    for (int i = 0; i < 3; ++i) parties_.emplace_back(&machine_);
    machine_.function->limit_bytes = kSystemBytes;
  }

  void Step() {
    Party& party = parties_[Pick(parties_.size())];
    switch (Pick(12)) {
      case 0:
      case 1:
        return Allocate(&party);
      case 2:
        return Free(&party);
      case 3:
      case 4:
        return Fill(&party);
      case 5:
      case 6:
        return Copy(&party);
      case 7:
        return Lock(&party);
      case 8:
        return Present(&party);
      case 9:
        return ChangeResidency(&party);
      case 10:
        return OfferOrReclaim(&party);
      default:
        return Check(&party);
    }
  }

  void End() {
    for (Party& party : parties_) {
      for (Modelled& one : party.allocations) CheckOne(&party, &one);
    }
    CheckScreen();
    for (Party& party : parties_) machine_.adapter->DestroyDevice(party.client.device);
    const MemoryReport report = machine_.adapter->Memory();
    CHECK(report.free_visible_bytes == free_bytes_);
    CHECK(report.free_protected_bytes == ChipMachine::kProtectedBytes);
    CHECK(report.moved_out > 0);
    CHECK(report.moved_in > 0);
    // What is left is the kernel's: the queues' buffers.
    machine_.adapter.reset();
    CHECK(machine_.function->used_bytes() == 0);
  }

 private:
  size_t Pick(size_t count) { return random_() % count; }

  // One of the party's that is not offered; null when there is none.
  Modelled* PickUsable(Party* party) {
    if (party->allocations.empty()) return nullptr;
    Modelled* one = &party->allocations[Pick(party->allocations.size())];
    return one->is_offered ? nullptr : one;
  }

  // The only excuse: what is locked, kept, shown and in system memory leaves no room.
  static void RequireOkOrFull(uint32_t status) {
    REQUIRE((status == abi::kStatusOk || status == abi::kStatusOutOfMemory));
  }

  void Allocate(Party* party) {
    const bool is_surface = Pick(4) == 0;
    const auto segment = Pick(4) == 0 ? Segment::kSystem : Segment::kVisible;
    abi::AllocationData data = Client::Plain(segment, 1 + Pick(kMaximumBytes));
    if (is_surface) data = {0x10000, 1, kSurfaceBytes, kWidth, kHeight, kPitch, 0, 0, {}};
    auto made = machine_.adapter->Allocate(party->client.device, data);
    if (!made.ok()) return RequireOkOrFull(made.fault().status);
    party->allocations.push_back(
        {made.value(), std::vector<uint8_t>(data.size_bytes), is_surface, false, 0, {}});
  }

  void Free(Party* party) {
    if (party->allocations.empty()) return;
    const size_t index = Pick(party->allocations.size());
    const Modelled& one = party->allocations[index];
    const Result<void> freed = machine_.adapter->Free(party->client.device, one.handle);
    REQUIRE(freed.ok() == !one.view.has_value());
    if (!freed.ok()) return;
    if (shown_ == one.handle) shown_.reset();
    party->allocations.erase(party->allocations.begin() + static_cast<ptrdiff_t>(index));
  }

  void Fill(Party* party) {
    Modelled* one = PickUsable(party);
    if (one == nullptr || one->content.size() < 64) return;
    const uint32_t offset = Pick(one->content.size() / 4 - 8) * 4;
    const uint32_t size = 4 * (1 + Pick(std::min<size_t>(one->content.size() - offset, 65536) / 4));
    const auto value = static_cast<uint32_t>(random_());
    CommandBuffer commands;
    commands.AddFill(one->handle, offset, size, value);
    const uint32_t status = party->client.Run(commands);
    RequireOkOrFull(status);
    if (status != abi::kStatusOk) return;
    for (uint32_t at = offset; at < offset + size; at += 4) StoreLe(&one->content[at], value);
  }

  void Copy(Party* party) {
    Modelled* source = PickUsable(party);
    Modelled* destination = PickUsable(party);
    if (source == nullptr || destination == nullptr || source == destination) return;
    const auto size =
        static_cast<uint32_t>(std::min(source->content.size(), destination->content.size()));
    CommandBuffer commands;
    commands.AddCopy(destination->handle, source->handle, size);
    const uint32_t status = party->client.Run(commands);
    RequireOkOrFull(status);
    if (status != abi::kStatusOk) return;
    std::copy_n(source->content.begin(), size, destination->content.begin());
  }

  // Writes by the CPU; the view then stays open, or is closed again.
  void Lock(Party* party) {
    Modelled* one = PickUsable(party);
    if (one == nullptr) return;
    if (!one->view.has_value()) {
      auto locked = machine_.adapter->Lock(party->client.device, one->handle);
      REQUIRE(locked.ok());
      one->view = locked.value();
    }
    REQUIRE(std::equal(one->view->begin(), one->view->end(), one->content.begin()));
    const size_t at = Pick(one->content.size());
    one->content[at] = (*one->view)[at] = static_cast<uint8_t>(random_());
    if (Pick(3) == 0) return;
    one->view.reset();
    REQUIRE(machine_.adapter->Unlock(party->client.device, one->handle).ok());
  }

  void Present(Party* party) {
    Modelled* one = PickUsable(party);
    if (one == nullptr || !one->is_surface) return;
    const Result<void> presented = machine_.adapter->Present(
        party->client.device, party->client.context, one->handle, kWidth, kHeight, kPitch, {true});
    if (presented.ok()) {
      shown_ = one->handle;
    } else if (presented.fault().status == abi::kStatusInvalidArgument) {
      REQUIRE(one->view.has_value());  // locked in system memory
    } else {
      RequireOkOrFull(presented.fault().status);
    }
    CheckScreen();
  }

  void ChangeResidency(Party* party) {
    Modelled* one = PickUsable(party);
    if (one == nullptr) return;
    const std::array list = {one->handle};
    if (one->residents != 0 && Pick(3) != 0) {
      REQUIRE(machine_.adapter->Evict(party->client.device, list).ok());
      --one->residents;
      return;
    }
    const Result<void> kept = machine_.adapter->MakeResident(party->client.device, list);
    if (!kept.ok()) return RequireOkOrFull(kept.fault().status);
    ++one->residents;
  }

  void OfferOrReclaim(Party* party) {
    if (party->allocations.empty()) return;
    Modelled* one = &party->allocations[Pick(party->allocations.size())];
    if (!one->is_offered) {
      const bool may = !one->view.has_value() && one->residents == 0;
      REQUIRE(machine_.adapter->Offer(party->client.device, one->handle).ok() == may);
      one->is_offered = may;
      return;
    }
    const Result<bool> kept = machine_.adapter->Reclaim(party->client.device, one->handle);
    if (!kept.ok()) return RequireOkOrFull(kept.fault().status);
    one->is_offered = false;
    if (!kept.value()) std::fill(one->content.begin(), one->content.end(), uint8_t{0});
  }

  void Check(Party* party) {
    if (Modelled* one = PickUsable(party)) CheckOne(party, one);
    CheckScreen();
  }

  void CheckOne(Party* party, Modelled* one) {
    if (!one->is_offered) REQUIRE(party->client.Read(one->handle) == one->content);
  }

  // What is shown stays shown, with the content that its owner sees in it.
  void CheckScreen() {
    std::vector<uint8_t> pixels(kSurfaceBytes);
    const bool shows =
        machine_.host->gpu().ReadScanout(0, device::ScanoutView::kCapture, pixels, kPitch);
    REQUIRE(shows == shown_.has_value());
    if (!shows) return;
    for (const Party& party : parties_) {
      for (const Modelled& one : party.allocations) {
        if (one.handle != *shown_) continue;
        for (size_t at = 0; at < pixels.size(); ++at) {
          if (at % 4 != 3 && pixels[at] != one.content[at]) FAIL("pixel " << at / 4);
        }
      }
    }
  }

  std::mt19937 random_;
  ChipMachine machine_;
  std::vector<Party> parties_;
  std::optional<AllocationHandle> shown_;
  uint64_t free_bytes_ = 0;
};

TEST_CASE("a random workload finds in memory what it left there") {
  const auto seed = static_cast<uint32_t>(GENERATE(range(1, 9)));
  CAPTURE(seed);
  Workload workload(seed);
  for (int step = 0; step < kSteps; ++step) {
    CAPTURE(step);
    workload.Step();
  }
  workload.End();
}

}  // namespace
}  // namespace ward::kmd
