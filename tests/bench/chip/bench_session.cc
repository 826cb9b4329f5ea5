#include "tests/bench/chip/bench_session.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <stdexcept>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "device/crypto/aes_key.h"
#include "device/crypto/rsa_private_key.h"
#include "firmware/guid.h"
#include "fmt/format.h"
#include "tests/fakes/security_message.h"
#include "tests/fakes/test_identity.h"

namespace ward::bench {
namespace {

constexpr uint64_t kTables = 0x100000;  // in visible VRAM: a root, two directories, leaf tables
constexpr uint32_t kContext = 1;

void Require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

}  // namespace

device::GpuOptions BenchSession::ChipOptions(bool open_decrypt) {
  const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  device::GpuOptions options;
  options.open_decrypt = open_decrypt;
  options.visible_vram_bytes = 128ull << 20;
  options.protected_vram_bytes = kWindowBytes;
  options.identity_key = &*identity.key;
  options.identity_private_key = identity.private_key;
  options.identity_certificates = identity.certificates;
  return options;
}

BenchSession::BenchSession(uint32_t workers, bool open_decrypt,
                           emulator::BoundaryListener* listener) {
  emulator::InProcessOptions options;
  options.workers = workers;
  options.listener = listener;
  options.entropy_seed = 1;  // each run does the same
  options.gpu = ChipOptions(open_decrypt);
  auto created = emulator::InProcessHost::Create(options);
  Require(created.ok(), "no chip");
  host_ = std::move(created.value());
  constexpr uint32_t kCommandRegister = 4;
  host_->ConfigWrite(kCommandRegister, 2, 2);
  host_->SetBusMaster(true);
  host_->EnableInterrupts(1);
  Require(host_->AllocateDma(2 * kRingBytes + 4096, &rings_) == abi::PciError::kNone, "no rings");
  Require(host_->AllocateDma(kWindowBytes, &memory_) == abi::PciError::kNone, "no memory");
  vram_ = host_->MapBar(2);
  for (uint64_t at = 0; at < kWindowBytes; ++at) memory()[at] = static_cast<uint8_t>(at * 7);
  MapContext();
  auto create = MakeCommand<abi::ContextCreateCommand>();
  create.context = kContext;
  create.page_table_root = kTables;
  Push(kKernelQueue, ConstByteSpan(reinterpret_cast<const uint8_t*>(&create), sizeof(create)));
  OpenSession();
}

BenchSession::~BenchSession() = default;

void BenchSession::MapContext() {
  const auto store = [this](uint64_t at, uint64_t entry) { StoreLe<uint64_t>(vram_ + at, entry); };
  constexpr uint64_t kDirectory = abi::kPteValid | abi::kPteLocal;
  constexpr uint64_t kLeaf = abi::kPteValid | abi::kPteWritable;
  store(kTables, (kTables + 0x1000) | kDirectory);
  store(kTables + 0x1000, (kTables + 0x2000) | kDirectory);
  for (uint64_t i = 0; i < kWindowBytes / abi::kLargePageSize; ++i) {
    // System memory by 4 KiB pages, as an application's is.
    const uint64_t leaves = kTables + 0x3000 + i * 0x1000;
    store(kTables + 0x2000 + (kSystem / abi::kLargePageSize + i) * 8, leaves | kDirectory);
    for (uint64_t page = 0; page < 512; ++page) {
      store(leaves + page * 8,
            (memory_.bus_address + i * abi::kLargePageSize + page * abi::kPageSize) | kLeaf);
    }
    store(kTables + 0x2000 + (kVisible / abi::kLargePageSize + i) * 8,
          (kWindowBytes + i * abi::kLargePageSize) | kLeaf | abi::kPteLocal | abi::kPteLarge);
    store(kTables + 0x2000 + (kProtected / abi::kLargePageSize + i) * 8,
          (abi::kProtectedVramLocalBase + i * abi::kLargePageSize) | kLeaf | abi::kPteLocal |
              abi::kPteLarge);
  }
}

void BenchSession::StartQueue(uint32_t queue) {
  const auto write = [&](uint32_t offset, uint64_t value) {
    host_->BarWrite32(0, offset + queue * abi::kQueueBlockStride, static_cast<uint32_t>(value));
  };
  const uint64_t ring = rings_.bus_address + queue * kRingBytes;
  const uint64_t fence = rings_.bus_address + 2 * kRingBytes + queue * 8;
  write(abi::kRegQueueControl, abi::kQueueControlResetMask);
  write(abi::kRegRingBaseLo, ring);
  write(abi::kRegRingBaseLo + 4, ring >> 32);
  write(abi::kRegFenceAddressLo, fence);
  write(abi::kRegFenceAddressLo + 4, fence >> 32);
  write(abi::kRegRingSizeLog2, std::countr_zero(kRingBytes));
  write(abi::kRegQueueContext, queue == kKernelQueue ? abi::kKernelContext : kContext);
  write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
}

void BenchSession::Push(uint32_t queue, ConstByteSpan bytes) {
  SetBatchBytes(bytes, queue);
  Submit(queue);
  host_->WaitInterrupt(0, 10000);  // lets virtual time pass
  CheckNoFault(queue);
}

std::vector<uint8_t> BenchSession::Message(uint32_t message, ConstByteSpan payload) const {
  return fakes::MakeMessage(message, payload, kSystem + kResponseOffset, 4096);
}

void BenchSession::Send(uint32_t message, ConstByteSpan payload) {
  Push(kUserQueue, Message(message, payload));
  Require(LastAnswer() == 0, "a message was refused");
}

void BenchSession::OpenSession() {
  std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
  std::memcpy(request.data(), firmware::kAes128Ctr, 16);
  std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
  Send(abi::kMessageCreateSession, request);
  session_ = LoadLe<uint32_t>(memory() + kResponseOffset + 16);
  for (size_t i = 0; i < sizeof(key_); ++i) key_[i] = static_cast<uint8_t>(0x40 + i);
  Push(kUserQueue, KeyExchange());
  Require(LastAnswer() == 0, "the key was refused");
}

std::vector<uint8_t> BenchSession::KeyExchange() const {
  device::AesKey key;
  std::copy(std::begin(key_), std::end(key_), key.Expose().begin());
  std::vector<uint8_t> negotiate(8 + device::RsaPrivateKey::kModulusBytes);
  StoreLe<uint32_t>(negotiate.data(), session_);
  StoreLe<uint32_t>(negotiate.data() + 4, device::RsaPrivateKey::kModulusBytes);
  Require(
      fakes::LoadTestIdentity(WARD_SOURCE_DIR).key->WrapKey(key, ByteSpan(negotiate).subspan(8)),
      "no wrapped key");
  return Message(abi::kMessageNegotiateSessionKey, negotiate);
}

void BenchSession::EnableOutput(uint32_t mode) {
  host_->BarWrite32(0, abi::kRegOutputMode, mode);
  host_->BarWrite32(0, abi::kRegOutputControl, abi::kOutputControlEnableMask);
}

void BenchSession::SetBatchBytes(ConstByteSpan bytes, uint32_t queue) {
  Require(bytes.size() <= kRingBytes / 2, "the batch is too long");
  StartQueue(queue);
  batch_bytes_[queue] = static_cast<uint32_t>(bytes.size());
  uint8_t* ring = rings_.cpu + queue * kRingBytes;
  std::copy(bytes.begin(), bytes.end(), ring);
  auto rest = MakeCommand<abi::NoopCommand>();
  rest.length = kRingBytes - batch_bytes_[queue];
  std::memcpy(ring + batch_bytes_[queue], &rest, sizeof(rest));
}

void BenchSession::Submit(uint32_t queue) {
  const uint32_t doorbell = abi::kRegDoorbell + queue * abi::kDoorbellBlockStride;
  host_->BarWrite32(0, doorbell, batch_bytes_[queue]);
  host_->BarWrite32(0, doorbell, 0);  // past the rest of the ring
}

void BenchSession::CheckNoFault(uint32_t queue) {
  const auto read = [&](uint32_t offset) {
    return host_->BarRead32(0, offset + queue * abi::kQueueBlockStride);
  };
  const uint32_t fault = read(abi::kRegFaultStatus);
  const uint32_t refusals = read(abi::kRegRefusalCount);
  if (fault == 0 && refusals == 0 && read(abi::kRegRingHead) == read(abi::kRegRingTail)) return;
  throw std::runtime_error(fmt::format("fault {:#x}, {} refusals ({:#x}), head {:#x}, tail {:#x}",
                                       fault, refusals, read(abi::kRegRefusalStatus),
                                       read(abi::kRegRingHead), read(abi::kRegRingTail)));
}

abi::DecryptBltCommand BenchSession::Decrypt(uint32_t length_bytes) const {
  auto decrypt = MakeCommand<abi::DecryptBltCommand>();
  decrypt.session = session_;
  decrypt.length_bytes = length_bytes;
  decrypt.source = kSystem;
  decrypt.destination = kProtected;
  decrypt.iv[0] = 1;
  return decrypt;
}

}  // namespace ward::bench
