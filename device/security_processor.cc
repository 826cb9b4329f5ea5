#include "device/security_processor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/rule.h"
#include "device/crypto/rsa_private_key.h"
#include "device/firmware_platform.h"

namespace ward::device {
namespace {

// Of a chain; far above any real one, and it keeps the sizes of GET_CERTIFICATE in 32 bits.
constexpr size_t kMaxCertificateBytes = 1u << 20;

// A number that is not described costs as much as the cheapest message.
uint64_t FindCharge(uint32_t number, LatencyPreset preset) {
  const bool fast = preset == LatencyPreset::kFast;
  if (const abi::MessageInfo* described = abi::FindMessage(number)) {
    return fast ? described->latency_fast_ns : described->latency_realistic_ns;
  }
  uint64_t least = UINT64_MAX;
  for (const abi::MessageInfo& message : abi::kMessages) {
    least = std::min(least, fast ? message.latency_fast_ns : message.latency_realistic_ns);
  }
  return least;
}

const char* NameOf(uint32_t number) {
  const abi::MessageInfo* described = abi::FindMessage(number);
  return described == nullptr ? "UNKNOWN" : described->name;
}

void HashBytes(const uint8_t (&bytes)[16], StateHasher* hasher) {
  hasher->Add(LoadLe<uint64_t>(bytes));
  hasher->Add(LoadLe<uint64_t>(bytes + 8));
}

void HashChannels(const firmware::State& state, StateHasher* hasher) {
  for (const firmware::Channel& channel : state.channels) {
    hasher->Add(channel.generation);
    hasher->Add(channel.number);
    if (channel.number == 0) continue;
    for (uint64_t word : {channel.handle, channel.next_query, channel.next_configure}) {
      hasher->Add(word);
    }
    for (uint32_t word : {channel.context, channel.key_slot, channel.type, channel.handle_bytes,
                          channel.initialized, channel.protection, channel.torn_down}) {
      hasher->Add(word);
    }
  }
}

void HashDevices(const firmware::State& state, StateHasher* hasher) {
  for (const firmware::Decoder& decoder : state.decoders) {
    hasher->Add(decoder.handle);
    if (decoder.handle == 0) continue;
    hasher->Add(decoder.session_handle);
    hasher->Add(decoder.context);
  }
  for (const firmware::Device& device : state.devices) {
    hasher->Add(device.handle);
    if (device.handle == 0) continue;
    hasher->Add(device.context);
    hasher->Add(device.process_count);
    for (uint32_t i = 0; i < device.process_count; ++i) {
      hasher->Add(device.processes[i].handle);
      hasher->Add(device.processes[i].type);
    }
  }
  hasher->Add(state.handle_source.serial);
  hasher->Add(state.handle_source.keyed);
  for (uint32_t key : state.handle_source.round_keys) hasher->Add(key);
}

void HashHardware(const firmware::Session& session, StateHasher* hasher) {
  hasher->Add(static_cast<uint32_t>(session.exchange));
  hasher->Add(session.torn_down);
  hasher->Add(session.token_pending);
  hasher->Add(session.token);
  HashBytes(session.token_key_id, hasher);
  for (const firmware::ImportedKey& key : session.imported) {
    hasher->Add(key.slot);
    HashBytes(key.key_id, hasher);
  }
}

void HashProtectedOutputs(const firmware::State& state, StateHasher* hasher) {
  for (const firmware::ProtectedOutput& output : state.protected_outputs) {
    hasher->Add(output.generation);
    hasher->Add(output.number);
    if (output.number == 0) continue;
    hasher->Add(output.next_information);
    hasher->Add(output.next_configure);
    for (uint32_t word :
         {static_cast<uint32_t>(output.phase), output.output, output.key_slot, output.level}) {
      hasher->Add(word);
    }
    HashBytes(output.random, hasher);
  }
}

void HashFirmware(const firmware::State& state, StateHasher* hasher) {
  hasher->Add(static_cast<uint32_t>(state.health));
  hasher->Add(state.failed_test);
  for (const firmware::Session& session : state.sessions) {
    hasher->Add(session.generation);
    hasher->Add(session.number);
    if (session.number == 0) continue;
    for (uint32_t word :
         {session.context, session.key_epoch, session.session_slot, session.content_slot,
          session.readback_slot, session.refresh_pending, session.protection}) {
      hasher->Add(word);
    }
    hasher->Add(session.handle);
    HashBytes(session.refresh_random, hasher);
    HashHardware(session, hasher);
  }
  HashChannels(state, hasher);
  HashDevices(state, hasher);
  HashProtectedOutputs(state, hasher);
}

}  // namespace

class SecurityProcessor::Implementation {
 public:
  Implementation(const FirmwareWiring& wiring, LatencyPreset latency, const Ports& ports,
                 RsaPrivateKey key, std::vector<uint8_t> certificates)
      : wiring_(wiring),
        latency_(latency),
        ports_(ports),
        platform_(wiring, std::move(key), std::move(certificates)) {
    state_.key_epoch = 1;
  }

  void Boot() {
    ClearFirmware();
    platform_.set_key_epoch(state_.key_epoch);
    firmware::Boot(&platform_, &state_.firmware);
    TraceHealth();
  }

  void Submit(uint32_t queue, uint32_t context, uint32_t number, ConstByteSpan payload,
              uint32_t response_capacity) {
    WARD_ASSERT(!state_.busy && response_capacity >= sizeof(abi::ResponseHeader));
    const uint64_t now = ports_.clock->NowNs();
    const uint64_t charge =
        FindCharge(number, latency_) + (WARD_BROKEN("8.7.same_time") ? payload.size() : 0);
    const auto payload_bytes = static_cast<uint32_t>(std::min<size_t>(payload.size(), UINT32_MAX));
    if (payload.size() > kMaxPayloadBytes) payload = {};
    state_.busy = true;
    state_.queue = queue;
    state_.message = {number, context, payload_bytes,
                      std::min(response_capacity, kMaxResponseBytes)};
    state_.payload.assign(payload.begin(), payload.end());
    state_.ready_at_ns = now > UINT64_MAX - charge ? UINT64_MAX : now + charge;
    ports_.trace->OnEvent({"message", NameOf(number), {queue, context, payload_bytes}});
  }

  std::vector<uint8_t> TakeResponse() {
    if (!state_.busy) return {};
    const uint64_t now = ports_.clock->NowNs();
    if (now < state_.ready_at_ns) return {};
    const firmware::MessageInfo message = state_.message;
    std::vector<uint8_t> response(message.response_capacity);
    const bool was_ready = IsReady();
    platform_.OpenMailbox(state_.payload, response, FindCharge(message.number, latency_));
    const firmware::Answer answer = firmware::HandleMessage(&platform_, &state_.firmware, message);
    platform_.CloseMailbox();
    WARD_ASSERT(answer.length_bytes <= response.size());
    // What a handler wrote before it failed is behind the length, and so never leaves.
    response.resize(answer.length_bytes);
    const abi::ResponseHeader header = {answer.status, answer.length_bytes, message.number, {}};
    std::memcpy(response.data(), &header, sizeof(header));
    ports_.trace->OnEvent(
        {"answer", abi::StatusName(answer.status), {state_.queue, answer.length_bytes, now}});
    if (was_ready && !IsReady()) TraceHealth();
    FreeMailbox();
    return response;
  }

  void FreeMailbox() {
    state_.busy = false;
    state_.queue = 0;
    state_.message = {};
    state_.payload.clear();
    state_.ready_at_ns = 0;
  }

  void EndContext(uint32_t context) {
    if (state_.busy && state_.message.context == context) FreeMailbox();
    firmware::EndContext(&platform_, &state_.firmware, context);
  }

  void FailCipher() {
    firmware::FailCipher(&platform_, &state_.firmware);
    TraceHealth();
  }

  void Reset() {
    FreeMailbox();
    ClearFirmware();
    wiring_.vault->WipeAll();
    wiring_.grants->Clear();
    wiring_.memory->ClearProtected();
    if (!WARD_BROKEN("reset.epoch")) BeginEpoch();
  }

  void TearDown() {
    firmware::TearDown(&platform_, &state_.firmware);
    wiring_.vault->WipeAll();
    if (!WARD_BROKEN("teardown.content")) wiring_.memory->ClearProtected();
    if (!WARD_BROKEN("teardown.epoch")) BeginEpoch();
  }

  void Load(const State& state) {
    state_ = state;
    platform_.set_key_epoch(state_.key_epoch);
  }

  void Hash(StateHasher* hasher) const {
    HashFirmware(state_.firmware, hasher);
    hasher->Add(state_.key_epoch);
    hasher->Add(state_.busy ? 1 : 0);
    if (!state_.busy) return;
    hasher->Add(state_.queue);
    for (uint32_t word : {state_.message.number, state_.message.context,
                          state_.message.payload_bytes, state_.message.response_capacity}) {
      hasher->Add(word);
    }
    hasher->Add(state_.payload);
    hasher->Add(state_.ready_at_ns);
  }

  const State& state() const { return state_; }

 private:
  void BeginEpoch() {
    state_.key_epoch = state_.key_epoch == UINT32_MAX ? 1 : state_.key_epoch + 1;
    platform_.set_key_epoch(state_.key_epoch);
  }
  // The handle source stays: no handle comes twice, as no key epoch does.
  void ClearFirmware() {
    const firmware::HandleSource kept = state_.firmware.handle_source;
    state_.firmware = {};
    state_.firmware.handle_source = kept;
  }
  bool IsReady() const { return state_.firmware.health == firmware::Health::kReady; }
  void TraceHealth() {
    const char* detail = IsReady() ? "ready" : "failed";
    ports_.trace->OnEvent({"firmware", detail, {state_.firmware.failed_test, 0, 0}});
    if (wiring_.open_decrypt) ports_.trace->OnEvent({"open decrypt", "", {0, 0, 0}});
  }

  FirmwareWiring wiring_;
  LatencyPreset latency_;
  Ports ports_;
  FirmwarePlatform platform_;
  State state_;
};

Result<std::unique_ptr<SecurityProcessor>> SecurityProcessor::Create(
    const GpuOptions& options, const Ports& ports, KeyVault* vault, GrantTable* grants,
    Memory* memory, Display* display) {
  const char* reason = nullptr;
  auto key = RsaPrivateKey::LoadDer(options.identity_private_key, &reason);
  if (!key) return Fault{abi::kStatusInvalidArgument, reason};
  const ConstByteSpan chain = options.identity_certificates;
  if (chain.empty()) {
    return Fault{abi::kStatusInvalidArgument, "has no certificate chain beside it"};
  }
  if (chain.size() > kMaxCertificateBytes) {
    return Fault{abi::kStatusInvalidArgument, "has a certificate chain above 1 MiB"};
  }
  FirmwareWiring wiring = {vault,
                           grants,
                           memory,
                           display,
                           ports.entropy,
                           ports.clock,
                           0,
                           options.failing_self_test,
                           options.open_decrypt};
  wiring.negotiation_ns = options.latency == LatencyPreset::kFast
                              ? HdcpLink::kFastNegotiationNs
                              : HdcpLink::kRealisticNegotiationNs;
  return std::unique_ptr<SecurityProcessor>(new SecurityProcessor(
      std::make_unique<Implementation>(wiring, options.latency, ports, std::move(*key),
                                       std::vector<uint8_t>(chain.begin(), chain.end()))));
}

SecurityProcessor::SecurityProcessor(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

SecurityProcessor::~SecurityProcessor() = default;

void SecurityProcessor::Boot() { implementation_->Boot(); }

uint32_t SecurityProcessor::firmware_state() const {
  return static_cast<uint32_t>(implementation_->state().firmware.health);
}

bool SecurityProcessor::Busy() const { return implementation_->state().busy; }

void SecurityProcessor::Submit(uint32_t queue, uint32_t context, uint32_t message,
                               ConstByteSpan payload, uint32_t response_capacity) {
  implementation_->Submit(queue, context, message, payload, response_capacity);
}

uint64_t SecurityProcessor::ReadyAtNs() const { return implementation_->state().ready_at_ns; }

uint32_t SecurityProcessor::queue() const { return implementation_->state().queue; }

std::vector<uint8_t> SecurityProcessor::TakeResponse() { return implementation_->TakeResponse(); }

void SecurityProcessor::Abandon(uint32_t queue) {
  if (Busy() && this->queue() == queue) implementation_->FreeMailbox();
}

void SecurityProcessor::EndContext(uint32_t context) { implementation_->EndContext(context); }

void SecurityProcessor::FailCipher() { implementation_->FailCipher(); }

void SecurityProcessor::Reset() { implementation_->Reset(); }

void SecurityProcessor::TearDown() { implementation_->TearDown(); }

uint32_t SecurityProcessor::key_epoch() const { return implementation_->state().key_epoch; }

std::unique_ptr<SecurityProcessor::State> SecurityProcessor::Save() const {
  return std::make_unique<State>(implementation_->state());
}

void SecurityProcessor::Load(const State& state) { implementation_->Load(state); }

void SecurityProcessor::Hash(StateHasher* hasher) const { implementation_->Hash(hasher); }

}  // namespace ward::device
