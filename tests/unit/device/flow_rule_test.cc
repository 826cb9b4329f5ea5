#include "device/flow_rule.h"

#include <algorithm>
#include <set>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

// What a range can be made of. Session A is 0x10001, session B 0x20002.
enum class Kind { kSystem, kVisible, kNobodys, kOfA, kOfB };
constexpr PageOwner kA = 0x10001;
constexpr PageOwner kB = 0x20002;
using Kinds = std::vector<Kind>;

// Every range of one or two kinds of memory.
std::vector<Kinds> AllRanges() {
  const Kind kinds[] = {Kind::kSystem, Kind::kVisible, Kind::kNobodys, Kind::kOfA, Kind::kOfB};
  std::vector<Kinds> ranges;
  for (const Kind first : kinds) {
    ranges.push_back({first});
    for (const Kind second : kinds) ranges.push_back({first, second});
  }
  return ranges;
}

// The reference, in words of the rule: sets of sessions and "touches protected memory".
bool IsProtectedKind(Kind kind) { return kind >= Kind::kNobodys; }
bool HasProtected(const Kinds& kinds) {
  return std::any_of(kinds.begin(), kinds.end(), IsProtectedKind);
}
bool HasUnprotected(const Kinds& kinds) {
  return !std::all_of(kinds.begin(), kinds.end(), IsProtectedKind);
}
std::set<PageOwner> SessionsIn(const Kinds& kinds) {
  std::set<PageOwner> sessions;
  for (const Kind kind : kinds) {
    if (kind == Kind::kOfA) sessions.insert(kA);
    if (kind == Kind::kOfB) sessions.insert(kB);
  }
  return sessions;
}

struct Expected {
  uint32_t status;
  PageOwner owner;
};

Expected ReferenceTransfer(const Kinds& first, const Kinds& second, const Kinds& destination) {
  Kinds read = first;
  read.insert(read.end(), second.begin(), second.end());
  if (HasProtected(read) && HasUnprotected(destination)) {
    return {abi::kStatusProtectedReadRefused, kNoOwner};
  }
  const auto sessions = SessionsIn(read);
  if (sessions.size() > 1) return {abi::kStatusProtectedOwnerMismatch, kNoOwner};
  return {abi::kStatusOk, sessions.empty() ? kNoOwner : *sessions.begin()};
}

uint32_t ReferenceDecrypt(const Kinds& source, const Kinds& destination) {
  if (HasProtected(source)) return abi::kStatusProtectedReadRefused;
  if (HasUnprotected(destination)) return abi::kStatusDestinationNotProtected;
  return abi::kStatusOk;
}

uint32_t ReferenceEncrypt(const Kinds& source, const Kinds& destination, PageOwner session) {
  if (HasProtected(destination)) return abi::kStatusDestinationProtected;
  auto others = SessionsIn(source);
  others.erase(session);
  return others.empty() ? abi::kStatusOk : abi::kStatusProtectedOwnerMismatch;
}

struct OwnedMemory : ChipMemory {
  OwnedMemory() {
    memory.TakeOwnership(ProtectedRange(16 * kPage, 16 * kPage), kA);
    memory.TakeOwnership(ProtectedRange(32 * kPage, 16 * kPage), kB);
  }
  // One page and a bit of the next one for each kind.
  GuestRange Make(const Kinds& kinds) const {
    GuestRange range;
    uint64_t at = 0;
    for (const Kind kind : kinds) {
      const uint64_t offset = 4 * kPage * at++ + 4000;
      switch (kind) {
        case Kind::kSystem:
          range.Append(memory.SystemSpan(System(offset), kPage).value());
          break;
        case Kind::kVisible:
          range.Append(memory.LocalSpan(offset, kPage).value());
          break;
        case Kind::kNobodys:
          range.Append(ProtectedSpan(offset, kPage));
          break;
        case Kind::kOfA:
          range.Append(ProtectedSpan(16 * kPage + offset, kPage));
          break;
        case Kind::kOfB:
          range.Append(ProtectedSpan(32 * kPage + offset, kPage));
          break;
      }
    }
    return range;
  }
};

template <typename T>
uint32_t StatusOf(const Result<T>& result) {
  return result.ok() ? abi::kStatusOk : result.fault().status;
}

void CompareTransfer(const Result<PageOwner>& result, const Expected& expected) {
  REQUIRE(StatusOf(result) == expected.status);
  if (result.ok()) REQUIRE(result.value() == expected.owner);
}

TEST_CASE("P2_ P8_ transfers of every kind of memory agree with the rule") {
  const OwnedMemory chip;
  const auto ranges = AllRanges();
  for (const Kinds& destination_kinds : ranges) {
    const GuestRange destination = chip.Make(destination_kinds);
    CompareTransfer(flow_rule::CheckTransfer(chip.memory, nullptr, nullptr, destination),
                    ReferenceTransfer({}, {}, destination_kinds));
    for (const Kinds& first_kinds : ranges) {
      const GuestRange first = chip.Make(first_kinds);
      CompareTransfer(flow_rule::CheckTransfer(chip.memory, &first, nullptr, destination),
                      ReferenceTransfer(first_kinds, {}, destination_kinds));
      for (const Kinds& second_kinds : ranges) {
        const GuestRange second = chip.Make(second_kinds);
        CompareTransfer(flow_rule::CheckTransfer(chip.memory, &first, &second, destination),
                        ReferenceTransfer(first_kinds, second_kinds, destination_kinds));
      }
    }
  }
}

TEST_CASE("P2_ P8_ a part of a transfer may have the owner of the whole, or by now none") {
  const OwnedMemory chip;
  const GuestRange of_a = chip.Make({Kind::kOfA});
  const GuestRange nobodys = chip.Make({Kind::kNobodys});
  const GuestRange visible = chip.Make({Kind::kVisible});
  const auto check = [&](const GuestRange& source, const GuestRange& destination, PageOwner whole) {
    return flow_rule::CheckPartOfTransfer(chip.memory, &source, nullptr, destination, whole);
  };
  CHECK(check(of_a, nobodys, kA).value() == kA);
  CHECK(check(nobodys, nobodys, kA).value() == kNoOwner);
  CHECK(StatusOf(check(of_a, nobodys, kB)) == abi::kStatusProtectedOwnerMismatch);
  CHECK(StatusOf(check(of_a, nobodys, kNoOwner)) == abi::kStatusProtectedOwnerMismatch);
  CHECK(StatusOf(check(of_a, visible, kA)) == abi::kStatusProtectedReadRefused);
}

TEST_CASE("P2_ decrypt of every kind of memory agrees with the rule") {
  const OwnedMemory chip;
  for (const Kinds& source_kinds : AllRanges()) {
    for (const Kinds& destination_kinds : AllRanges()) {
      const auto result = flow_rule::CheckDecrypt(chip.memory, chip.Make(source_kinds),
                                                  chip.Make(destination_kinds), kA);
      REQUIRE(StatusOf(result) == ReferenceDecrypt(source_kinds, destination_kinds));
      if (result.ok()) REQUIRE(result.value() == kA);
    }
  }
}

TEST_CASE("R27 open decrypt of every kind of memory agrees with the rule") {
  const OwnedMemory chip;
  const auto is_open = [](Kind kind) { return kind == Kind::kSystem || kind == Kind::kVisible; };
  for (const Kinds& source_kinds : AllRanges()) {
    for (const Kinds& destination_kinds : AllRanges()) {
      const bool all_open =
          std::all_of(destination_kinds.begin(), destination_kinds.end(), is_open);
      const bool reads_open = std::all_of(source_kinds.begin(), source_kinds.end(), is_open);
      const uint32_t closed = ReferenceDecrypt(source_kinds, destination_kinds);
      REQUIRE(StatusOf(flow_rule::CheckDecrypt(chip.memory, chip.Make(source_kinds),
                                               chip.Make(destination_kinds), kA, true)) ==
              (all_open && reads_open ? abi::kStatusOk : closed));
    }
  }
}

TEST_CASE("P1_ P2_ P8_ encrypt of every kind of memory agrees with the rule") {
  const OwnedMemory chip;
  for (const PageOwner session : {kA, kB, PageOwner{0x30003}}) {
    for (const Kinds& source_kinds : AllRanges()) {
      for (const Kinds& destination_kinds : AllRanges()) {
        REQUIRE(StatusOf(flow_rule::CheckEncrypt(chip.memory, chip.Make(source_kinds),
                                                 chip.Make(destination_kinds), session)) ==
                ReferenceEncrypt(source_kinds, destination_kinds, session));
      }
    }
  }
}

TEST_CASE("scan-out shows local memory only") {
  const OwnedMemory chip;
  for (const Kinds& kinds : AllRanges()) {
    const bool has_system = std::count(kinds.begin(), kinds.end(), Kind::kSystem) != 0;
    CHECK(StatusOf(flow_rule::CheckScanout(chip.Make(kinds))) ==
          (has_system ? abi::kStatusScanoutRefused : abi::kStatusOk));
  }
}

TEST_CASE("one byte on a page of another session is enough to refuse") {
  const OwnedMemory chip;
  // The last byte of the last page of A and the first of B.
  const GuestRange border = chip.ProtectedRange(32 * kPage - 1, 2);
  const GuestRange visible = chip.Make({Kind::kVisible});
  CHECK(StatusOf(flow_rule::CheckEncrypt(chip.memory, border, visible, kA)) ==
        abi::kStatusProtectedOwnerMismatch);
  CHECK(flow_rule::CheckEncrypt(chip.memory, chip.ProtectedRange(32 * kPage - 1, 1), visible, kA)
            .ok());
}

TEST_CASE("what is shown agrees with the rule for every owner, demand, flip and link") {
  ChipMemory chip;
  GrantTable grants(4);
  grants.At(1).session = kA;
  grants.At(2).session = kB;
  // Two pages, owned by nobody, A or B each.
  for (uint32_t shape = 0; shape < 9 * 4 * 2 * 4; ++shape) {
    const PageOwner owners[] = {kNoOwner, kA, kB};
    const PageOwner first = owners[shape % 3];
    const PageOwner second = owners[shape / 3 % 3];
    const uint32_t demands = shape / 9 % 4;
    const bool full_screen = shape / 36 % 2 != 0;
    const auto link = static_cast<HdcpState>(shape / 72);
    chip.memory.ClearProtected();
    chip.memory.TakeOwnership(chip.ProtectedRange(0, kPage), first);
    chip.memory.TakeOwnership(chip.ProtectedRange(kPage, kPage), second);
    grants.At(1).needs_full_screen = (demands & 1) != 0;
    grants.At(2).needs_full_screen = (demands & 2) != 0;
    const auto demanding = [&](PageOwner owner) {
      return (owner == kA && (demands & 1) != 0) || (owner == kB && (demands & 2) != 0);
    };
    const bool link_is_right = link == HdcpState::kOff || link == HdcpState::kOn;
    const bool flip_is_right = full_screen || (!demanding(first) && !demanding(second));
    INFO(shape);
    CHECK(flow_rule::MayShow(chip.memory, grants, chip.ProtectedSpan(0, 2 * kPage),
                             {full_screen, link}) == (link_is_right && flip_is_right));
    const auto visible = chip.memory.LocalSpan(0, 2 * kPage);
    REQUIRE(visible.ok());
    CHECK(flow_rule::MayShow(chip.memory, grants, visible.value(), {full_screen, link}));
  }
}

TEST_CASE("a page whose owner has no grant any more demands nothing") {
  ChipMemory chip;
  GrantTable grants(4);
  grants.At(1).session = 0x30001;  // a later session at A's index
  grants.At(1).needs_full_screen = true;
  chip.memory.TakeOwnership(chip.ProtectedRange(0, kPage), kA);
  CHECK(flow_rule::MayShow(chip.memory, grants, chip.ProtectedSpan(0, kPage),
                           {false, HdcpState::kOff}));
  CHECK(grants.FindOwner(kA) == nullptr);
  CHECK(grants.FindOwner(0x30001) == &grants.At(1));
  CHECK(grants.FindOwner(0) == nullptr);
  CHECK(grants.FindOwner(0x1ffff) == nullptr);
}

}  // namespace
}  // namespace ward::device
