#include "firmware/handle_source.h"

#include "base/rule.h"
#include "firmware/self_test.h"

namespace ward::firmware {
namespace {

constexpr uint32_t kInvalid = 0xffffffff;  // INVALID_HANDLE_VALUE of a 32-bit process

// Four Feistel rounds: a permutation of the 32-bit numbers, whatever the round function gives.
uint32_t Permute(uint32_t value, const uint32_t (&round_keys)[4]) {
  uint32_t left = value >> 16;
  uint32_t right = value & 0xffff;
  for (const uint32_t key : round_keys) {
    uint32_t mixed = (right + 1) * (key | 1);
    mixed ^= mixed >> 15;
    mixed = (mixed ^ key) * 0x9e3779b1u;
    const uint32_t next = left ^ mixed >> 16;
    left = right;
    right = next;
  }
  return left << 16 | right;
}

// After a state was loaded without its keys the permutation is another one, which may lead to the
// low half of a handle that lives.
bool IsTaken(const State& state, uint32_t low) {
  const auto has = [low](const auto& holders) {
    for (const auto& holder : holders) {
      if (holder.handle != 0 && static_cast<uint32_t>(holder.handle) == low) return true;
    }
    return false;
  };
  return has(state.sessions) || has(state.channels) || has(state.decoders) || has(state.devices);
}

}  // namespace

uint32_t MakeHandle(const Call& call, uint64_t* handle) {
  HandleSource* source = &call.state->handle_source;
  HandleSource next = *source;
  uint32_t high = 0;
  bool drawn = call.platform->DrawRandom(&high, sizeof(high));
  if (next.keyed == 0) {
    drawn = drawn && call.platform->DrawRandom(next.round_keys, sizeof(next.round_keys));
    next.keyed = 1;
  }
  if (!drawn) {
    EnterFailure(call.platform, call.state, SelfTest::kRandom);
    return abi::kStatusSelfTestFailed;
  }
  uint32_t low = 0;
  while (low == 0 || low == kInvalid || IsTaken(*call.state, low)) {
    if (next.serial == UINT32_MAX) return abi::kStatusHandlesExhausted;
    low = Permute(++next.serial, next.round_keys);
  }
  *source = next;
  *handle = WARD_BROKEN("R32.unrepeatable") ? 0x100000001 : uint64_t{high} << 32 | low;
  return abi::kStatusOk;
}

}  // namespace ward::firmware
