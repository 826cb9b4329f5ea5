#include "tests/fuzz/firmware/firmware_oracles.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "abi/generated/status.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

namespace fw = firmware;

constexpr uint32_t kHeader = sizeof(abi::ResponseHeader);
// Owners at the vault, as platform.h has them.
constexpr uint32_t kChannelOwner = 0x8000, kOutputOwner = 0x4000;

// Every word of 8 bytes, wherever it begins.
template <typename Visit>
void VisitWords(ConstByteSpan bytes, Visit visit) {
  for (size_t at = 0; at + 8 <= bytes.size(); ++at) visit(LoadLe<uint64_t>(bytes.data() + at));
}

bool Holds(ConstByteSpan bytes, uint64_t word) {
  bool found = false;
  VisitWords(bytes, [&](uint64_t there) { found = found || there == word; });
  return found;
}

template <typename Entries>
bool SameOthers(const Entries& now, const Entries& before, uint32_t context) {
  for (size_t i = 0; i < std::size(now); ++i) {
    const bool is_others = before[i].context != context && before[i].handle != 0;
    if (is_others && std::memcmp(&now[i], &before[i], sizeof(now[i])) != 0) return false;
    // Nor does anything new become another's.
    if (now[i].handle != 0 && now[i].context != context && !is_others) return false;
  }
  return true;
}

template <typename Entries>
bool AllFree(const Entries& entries) {
  return std::all_of(std::begin(entries), std::end(entries),
                     [](const auto& entry) { return entry.handle == 0; });
}

template <typename Entries>
bool NoneOf(const Entries& entries, uint32_t context) {
  return std::none_of(std::begin(entries), std::end(entries), [&](const auto& entry) {
    return entry.handle != 0 && entry.context == context;
  });
}

}  // namespace

void FirmwareOracles::Start() {
  handles_.clear();
  before_ = {};
}

void FirmwareOracles::CheckHandle(uint64_t handle, uint64_t before) {
  if (handle == 0 || handle == before) return;
  const auto low = static_cast<uint32_t>(handle);
  Expect(low != 0 && low != 0xffffffff, "handle", "its low half is no handle of 32 bits");
  Expect(handles_.insert(handle).second, "handle", "one comes twice");
  for (const uint64_t other : handles_) {
    Expect(other == handle || static_cast<uint32_t>(other) != low, "handle",
           "a low half comes twice");
  }
}

void FirmwareOracles::CheckHandles() {
  const auto check = [this](const auto& now, const auto& before) {
    for (size_t i = 0; i < std::size(now); ++i) CheckHandle(now[i].handle, before[i].handle);
  };
  check(state_->sessions, before_.sessions);
  check(state_->channels, before_.channels);
  check(state_->decoders, before_.decoders);
  check(state_->devices, before_.devices);
}

// A number comes again only when its generation has gone round.
void FirmwareOracles::CheckNumbers() {
  const auto check = [](const auto& now, const auto& before) {
    for (uint32_t i = 0; i < std::size(now); ++i) {
      const bool is_new = now[i].number != 0 && now[i].number != before[i].number;
      const uint32_t next = before[i].generation >= 0xffff ? 1 : before[i].generation + 1;
      Expect(now[i].number == 0 || (now[i].number & 0xffff) == i, "number", "not of its place");
      Expect(!is_new || now[i].number >> 16 == next, "number", "not of the next generation");
    }
  };
  check(state_->sessions, before_.sessions);
  check(state_->channels, before_.channels);
  check(state_->protected_outputs, before_.protected_outputs);
}

void FirmwareOracles::CheckGrants() {
  for (uint32_t i = 0; i < fw::kSessionCount; ++i) {
    const fw::Session& session = state_->sessions[i];
    const fw::SessionGrant& grant = platform_->grant(i);
    Expect(grant.session == session.number, "grant", "it is for a session that is not there");
    if (grant.session == 0) continue;
    Expect(grant.context == session.context, "grant", "it is for another context");
    Expect(grant.torn_down == session.torn_down, "grant", "it does not tell of the tear-down");
    const uint32_t held[] = {grant.session_slot, grant.content_slot, grant.readback_slot};
    const uint32_t own[] = {session.session_slot, session.content_slot, session.readback_slot};
    const uint32_t usages[] = {fw::kUsageDecrypt, fw::kUsageDecrypt, fw::kUsageEncrypt};
    for (uint32_t kind = 0; kind < 3; ++kind) {
      Expect(held[kind] == own[kind], "grant", "it names a slot that the session does not hold");
      if (held[kind] == fw::kNoSlot) continue;
      Expect(session.torn_down == 0, "grant", "a session that was torn down has a key");
      const FuzzPlatform::Slot& slot = platform_->slots()[held[kind]];
      Expect(slot.owner == session.number, "grant", "it names a slot of another");
      Expect(slot.filled || slot.damaged, "grant", "it names a slot without a key");
      Expect((slot.usage & usages[kind]) != 0, "grant", "it names a slot for something else");
    }
    const bool is_open = session.exchange == fw::KeyExchange::kHardware && grant.open_decrypt != 0;
    Expect(!is_open, "grant", "a key of the trusted application decrypts into the open");
  }
}

// Whoever lives holds its slots, and no slot is left behind.
void FirmwareOracles::CheckSlots() {
  std::vector<uint32_t> owner_of(FuzzPlatform::kSlots, 0);
  const auto hold = [&](uint32_t slot, uint32_t owner) {
    if (slot == fw::kNoSlot) return;
    Expect(slot < FuzzPlatform::kSlots, "slot", "there is none of that number");
    Expect(owner_of[slot] == 0 || owner_of[slot] == owner, "slot", "two hold the same");
    owner_of[slot] = owner;
  };
  for (const fw::Session& session : state_->sessions) {
    if (session.number == 0) continue;
    for (uint32_t slot : {session.session_slot, session.content_slot, session.readback_slot}) {
      hold(slot, session.number);
    }
    for (const fw::ImportedKey& key : session.imported) hold(key.slot, session.number);
  }
  for (const fw::Channel& channel : state_->channels) {
    if (channel.number != 0) hold(channel.key_slot, channel.number | kChannelOwner);
  }
  for (const fw::ProtectedOutput& output : state_->protected_outputs) {
    if (output.number != 0) hold(output.key_slot, output.number | kOutputOwner);
  }
  for (uint32_t slot = 0; slot < FuzzPlatform::kSlots; ++slot) {
    Expect(platform_->slots()[slot].owner == owner_of[slot], "slot",
           "a key is left behind, or is somebody else's");
  }
}

// Pages of a session that ended, or was torn down, are nobody's.
void FirmwareOracles::CheckReleases() {
  for (uint32_t i = 0; i < fw::kSessionCount; ++i) {
    const fw::Session& was = before_.sessions[i];
    const fw::Session& is = state_->sessions[i];
    const bool ended = was.number != 0 && is.number != was.number;
    const bool lost = was.number != 0 && is.torn_down != 0 && was.torn_down == 0;
    Expect((!ended && !lost) || platform_->WasReleased(was.number), "release",
           "protected pages stay a session's that ended");
  }
}

// A session is protected as the channels of its context ask for, and the grant says so.
void FirmwareOracles::CheckProtection() {
  for (uint32_t i = 0; i < fw::kSessionCount; ++i) {
    const fw::Session& session = state_->sessions[i];
    if (session.number == 0) continue;
    uint32_t asked = 0;
    for (const fw::Channel& channel : state_->channels) {
      if (channel.number != 0 && channel.context == session.context) asked |= channel.protection;
    }
    Expect(session.protection == asked && platform_->grant(i).protection == asked, "protection",
           "a session has another than its channels ask for");
  }
}

// When the last one that held a link's protection ends or lets go, it is off.
void FirmwareOracles::CheckLinks() {
  const auto is_held = [](const fw::State& state, uint32_t output) {
    return std::any_of(std::begin(state.protected_outputs), std::end(state.protected_outputs),
                       [&](const fw::ProtectedOutput& holder) {
                         return holder.number != 0 && holder.output == output && holder.level != 0;
                       });
  };
  for (uint32_t output = 0; output < FuzzPlatform::kOutputs; ++output) {
    const bool let_go = is_held(before_, output) && !is_held(*state_, output);
    Expect(!let_go || platform_->link(output) == fw::kLinkOff, "link",
           "it is on, and nobody asks for it any more");
  }
}

// A decoder is tied to a session of its own context.
void FirmwareOracles::CheckTies() {
  for (const fw::Decoder& decoder : state_->decoders) {
    if (decoder.handle == 0 || decoder.session_handle == 0) continue;
    for (const fw::Session& session : state_->sessions) {
      Expect(session.handle != decoder.session_handle || session.context == decoder.context,
             "isolation", "a decoder is tied to a session of another context");
    }
  }
}

void FirmwareOracles::CheckFailed() {
  if (state_->health == fw::Health::kReady) return;
  Expect(state_->failed_test != 0, "failed", "it does not say which test failed");
  Expect(AllFree(state_->sessions) && AllFree(state_->channels) && AllFree(state_->decoders) &&
             AllFree(state_->devices),
         "failed", "something lives in a firmware that failed");
  for (const fw::ProtectedOutput& output : state_->protected_outputs) {
    Expect(output.number == 0, "failed", "a protected output lives in a firmware that failed");
  }
}

void FirmwareOracles::After() {
  CheckHandles();
  CheckNumbers();
  CheckGrants();
  CheckSlots();
  CheckReleases();
  CheckProtection();
  CheckLinks();
  CheckTies();
  CheckFailed();
}

void FirmwareOracles::CheckOthersUntouched(uint32_t context) {
  Expect(SameOthers(state_->sessions, before_.sessions, context), "isolation",
         "a message changed a session of another context");
  Expect(SameOthers(state_->channels, before_.channels, context), "isolation",
         "a message changed a channel of another context");
  Expect(SameOthers(state_->decoders, before_.decoders, context), "isolation",
         "a message changed a decoder of another context");
  Expect(SameOthers(state_->devices, before_.devices, context), "isolation",
         "a message changed a device of another context");
  const bool same_outputs = std::memcmp(state_->protected_outputs, before_.protected_outputs,
                                        sizeof(state_->protected_outputs)) == 0;
  Expect(context == 0 || same_outputs, "isolation", "a user changed a protected output");
}

// Keys, what handles are made with, and what another context's things are called: none of it comes
// out, unless the sender sent it.
void FirmwareOracles::CheckSecrets(const FirmwareMessage& message, uint32_t length_bytes) {
  const ConstByteSpan said =
      platform_->response().subspan(kHeader, length_bytes - std::min(length_bytes, kHeader));
  std::unordered_set<uint64_t> others;
  const auto add = [&](const auto& entries) {
    for (const auto& entry : entries) {
      if (entry.handle != 0 && entry.context != message.context) others.insert(entry.handle);
    }
  };
  add(before_.sessions);
  add(before_.channels);
  add(before_.decoders);
  add(before_.devices);
  const uint32_t(&round_keys)[4] = state_->handle_source.round_keys;
  const uint64_t round_words[] = {uint64_t{round_keys[1]} << 32 | round_keys[0],
                                  uint64_t{round_keys[3]} << 32 | round_keys[2]};
  VisitWords(said, [&](uint64_t word) {
    if (word == 0) return;
    const char* what = nullptr;
    if (platform_->IsOfKey(word)) what = "key bytes";
    if (others.contains(word)) what = "a handle of another context";
    if (word == round_words[0] || word == round_words[1]) what = "what handles are made with";
    if (what != nullptr) Expect(Holds(message.payload, word), "secret", what);
  });
}

void FirmwareOracles::AfterMessage(const FirmwareMessage& message, const fw::Answer& answer) {
  Expect(abi::FindStatus(answer.status) != nullptr, "response", "a status that there is not");
  Expect(answer.length_bytes >= kHeader && answer.length_bytes <= message.response_capacity,
         "response", "it is shorter than its header, or larger than its room");
  Expect(platform_->WroteAllBefore(answer.length_bytes), "response",
         "bytes come out that nobody wrote");
  CheckSecrets(message, answer.length_bytes);
  const bool failed_before = before_.health != fw::Health::kReady;
  Expect(!failed_before || answer.status == abi::kStatusSelfTestFailed, "failed",
         "a firmware that failed takes messages");
  if (state_->health == fw::Health::kReady) CheckOthersUntouched(message.context);
  After();
}

void FirmwareOracles::AfterContextEnd(uint32_t context) {
  Expect(NoneOf(state_->sessions, context) && NoneOf(state_->channels, context) &&
             NoneOf(state_->decoders, context) && NoneOf(state_->devices, context),
         "teardown", "something of a context lives on");
  CheckOthersUntouched(context);
  After();
}

void FirmwareOracles::AfterTearDown() {
  for (const FuzzPlatform::Slot& slot : platform_->slots()) {
    Expect(slot.owner == 0, "teardown", "a slot of the vault is taken");
  }
  for (const fw::Session& session : state_->sessions) {
    Expect(session.number == 0 || session.torn_down == 1, "teardown", "a session goes on");
  }
  for (const fw::Channel& channel : state_->channels) {
    Expect(channel.number == 0 || channel.torn_down == 1, "teardown", "a channel goes on");
  }
  for (const fw::ProtectedOutput& output : state_->protected_outputs) {
    Expect(output.number == 0, "teardown", "a protected output goes on");
  }
  After();
}

}  // namespace ward::fuzz
