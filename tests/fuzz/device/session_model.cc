#include "tests/fuzz/device/session_model.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "device/key_vault.h"
#include "firmware/guid.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

constexpr const char* kOracle = "slots";
constexpr uint32_t kChannelBit = 0x8000;
constexpr uint32_t kOutputBit = 0x4000;

uint32_t LoadAt(ConstByteSpan bytes, size_t offset) {
  return offset + 4 <= bytes.size() ? LoadLe<uint32_t>(bytes.data() + offset) : 0;
}

bool MayHave(SessionModel::Kind kind, uint32_t usage) {
  using device::kKeyUsageDecrypt, device::kKeyUsageEncrypt, device::kKeyUsageMac,
      device::kKeyUsageUnwrap;
  if (kind == SessionModel::Kind::kChannel || kind == SessionModel::Kind::kOutput) {
    return usage == kKeyUsageMac;
  }
  return usage == kKeyUsageDecrypt || usage == kKeyUsageEncrypt ||
         (kind == SessionModel::Kind::kSession && usage == (kKeyUsageUnwrap | kKeyUsageDecrypt));
}

}  // namespace

const SessionModel::Holder* SessionModel::Find(uint32_t owner) const {
  for (const Holder& holder : holders_) {
    if (holder.owner == owner) return &holder;
  }
  return nullptr;
}

void SessionModel::Remove(uint32_t owner) {
  std::erase_if(holders_, [&](const Holder& holder) { return holder.owner == owner; });
}

void SessionModel::OnMessage(uint32_t context, uint32_t /*number*/, ConstByteSpan payload) {
  context_ = context;
  payload_.assign(payload.begin(), payload.end());
}

void SessionModel::OnAnswer(uint32_t number, ConstByteSpan response) {
  ended_ = 0;
  is_checked = false;
  CheckLength(number, LoadAt(response, 0));
  if (LoadAt(response, 0) != abi::kStatusOk) return;
  constexpr size_t kKeyExchange = offsetof(abi::CreateSessionRequest, key_exchange_type);
  const uint32_t made = LoadAt(response, sizeof(abi::ResponseHeader));
  const uint32_t named = LoadAt(payload_, 0);
  switch (number) {
    case abi::kMessageCreateSession: {
      Expect(std::find(numbers_.begin(), numbers_.end(), made) == numbers_.end(), kOracle,
             "a session got the number of another one, which may have ended");
      numbers_.push_back(made);
      const bool is_hardware =
          payload_.size() >= kKeyExchange + 16 &&
          firmware::IsGuid(payload_.data() + kKeyExchange, firmware::kHwProtection.bytes);
      holders_.push_back({made, context_, is_hardware ? Kind::kHardwareSession : Kind::kSession});
      return;
    }
    case abi::kMessageCreateChannel:
      holders_.push_back({made | kChannelBit, context_, Kind::kChannel});
      return;
    case abi::kMessageCreateProtectedOutput:
      holders_.push_back({made | kOutputBit, context_, Kind::kOutput});
      return;
    case abi::kMessageDestroyChannel:
      return Remove(named | kChannelBit);
    case abi::kMessageDestroyProtectedOutput:
      return Remove(named | kOutputBit);
    default:
      return OnSessionAnswer(number, named);
  }
}

// A message whose variable part is not as long as it says goes no further than that.
void SessionModel::CheckLength(uint32_t number, uint32_t status) const {
  const abi::MessageInfo* info = abi::FindMessage(number);
  if (info == nullptr || !info->request_variable) return;
  for (uint32_t i = 0; i < info->request_field_count; ++i) {
    const abi::FieldInfo& field = info->request_fields[i];
    const std::string_view name = field.name;
    if (name != "blob_bytes" && name != "input_bytes") continue;
    const uint64_t told = uint64_t{info->request_bytes} + LoadAt(payload_, field.offset);
    const bool is_refused = status == abi::kStatusMessageLengthInvalid ||
                            status == abi::kStatusSelfTestFailed ||
                            status == abi::kStatusMessageNotPermitted;
    Expect(told == payload_.size() || is_refused, "commands",
           "a message was taken that is not as long as it says");
  }
}

void SessionModel::OnSessionAnswer(uint32_t number, uint32_t session) {
  const bool needs_session =
      number == abi::kMessageDestroySession || number == abi::kMessageNegotiateSessionKey ||
      number == abi::kMessageSetContentKey || number == abi::kMessageGetReadbackKey ||
      number == abi::kMessageFinishKeyRefresh;
  if (!needs_session) return;
  Holder* holder = Find(session);
  Expect(holder != nullptr && holder->context == context_, kOracle,
         "a message about a session of another context, or of none, was answered well");
  const bool makes_key = number != abi::kMessageDestroySession;
  Expect(!makes_key || !holder->is_torn_down, kOracle, "a session that was torn down got a key");
  if (number == abi::kMessageDestroySession) {
    ended_ = session;
    Remove(session);
  } else if (number == abi::kMessageSetContentKey) {
    Expect(holder->has_session_key, kOracle, "a content key was unwrapped without a session key");
    holder->has_content_key = true;
  } else if (number == abi::kMessageGetReadbackKey) {
    Expect(holder->has_session_key, kOracle, "a read-back key was wrapped without a session key");
    holder->has_readback_key = true;
  } else {
    // What was made under the old one goes with it, or stays: the spec has both, by the message.
    holder->has_session_key = true;
  }
}

uint32_t SessionModel::named() const { return LoadAt(payload_, 0); }

const SessionModel::Holder* SessionModel::FindReadback(uint32_t session) const {
  const Holder* holder = Find(session);
  return holder != nullptr && holder->has_readback_key ? holder : nullptr;
}

void SessionModel::SetReadbackKey(ConstByteSpan key) {
  Holder* holder = Find(LoadAt(payload_, 0));
  if (holder != nullptr) std::copy(key.begin(), key.end(), holder->readback_key.begin());
}

void SessionModel::OnTearDown() {
  for (Holder& holder : holders_) holder.is_torn_down = true;
}

void SessionModel::OnContextEnd(uint32_t context) {
  is_checked = false;
  ended_ = 0;
  std::erase_if(holders_, [&](const Holder& holder) {
    return holder.context == context && holder.kind != Kind::kOutput;
  });
}

void SessionModel::CheckUse(uint32_t session, uint32_t context, Use use) const {
  const Holder* holder = Find(session);
  Expect(holder != nullptr, kOracle, "a blt was done for a session that is none");
  Expect(holder->context == context, kOracle, "a blt was done for another context's session");
  Expect(!holder->is_torn_down, kOracle, "a blt was done for a session that was torn down");
  if (holder->kind == Kind::kHardwareSession) return;
  const bool has_key = use == Use::kSessionKey   ? holder->has_session_key
                       : use == Use::kContentKey ? holder->has_content_key
                                                 : holder->has_readback_key;
  Expect(has_key, kOracle, "a blt was done without the key that it needs");
}

void SessionModel::CheckSlots(const std::vector<device::KeySlotInfo>& slots) const {
  for (const device::KeySlotInfo& slot : slots) {
    const Holder* holder = Find(slot.session);
    Expect(holder != nullptr, kOracle, "a key slot belongs to nobody");
    Expect(MayHave(holder->kind, slot.usage), kOracle, "a key slot has a usage that it can't have");
    Expect(!slot.filled || slot.locked, kOracle, "a key slot holds a key and is not locked");
    Expect(!slot.filled || !holder->is_torn_down, kOracle, "a key outlived a tear-down");
    if (holder->kind == Kind::kHardwareSession) continue;
    const auto same = [&](const device::KeySlotInfo& other) {
      return other.session == slot.session && other.usage == slot.usage;
    };
    Expect(std::count_if(slots.begin(), slots.end(), same) == 1, kOracle,
           "a session has two keys of one kind");
  }
  for (const Holder& holder : holders_) {
    if (holder.kind != Kind::kSession || !holder.has_session_key || holder.is_torn_down) continue;
    const auto is_session_key = [&](const device::KeySlotInfo& slot) {
      return slot.session == holder.owner && (slot.usage & device::kKeyUsageUnwrap) != 0;
    };
    Expect(std::any_of(slots.begin(), slots.end(), is_session_key), kOracle,
           "a session lost its key, and nobody took it");
  }
}

}  // namespace ward::fuzz
