#include "tests/bench/rivals/gpu_session.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "firmware/guid.h"
#include "kmd/command.h"
#include "tests/bench/attachments/subject.h"
#include "tests/bench/rivals/wrapped_key.h"
#include "tests/fakes/security_message.h"

namespace ward::bench {
namespace {

constexpr uint32_t kQueue = 1;
// In visible VRAM: a page each for the four levels.
constexpr uint64_t kTables = 0x100000;
constexpr uint64_t kDirectory = kTables + abi::kPageSize;
constexpr uint64_t kLargePages = kTables + 2 * abi::kPageSize;
constexpr uint64_t kPages = kTables + 3 * abi::kPageSize;
// Addresses of the context.
constexpr uint64_t kResponse = 0;
constexpr uint64_t kSource = 128u << 20;
constexpr uint64_t kTarget = 256u << 20;
constexpr uint64_t kProtected = 512u << 20;
constexpr uint64_t kResponseBytes = abi::kPageSize;

}  // namespace

GpuSession::GpuSession(std::unique_ptr<abi::PciFunction> function, size_t bytes, const Block& key,
                       const std::string& certificate)
    : function_(std::move(function)), up_(function_.get()), bytes_(bytes), key_(key) {
  Allocate(bytes, &source_);
  Allocate(bytes, &target_);
  Allocate(kResponseBytes, &response_);
  kernel_queue_.emplace(function_.get());
  MapContext();
  CreateContext();
  queue_.emplace(function_.get(), kQueue, kContext);
  OpenSession(certificate);
}

GpuSession::~GpuSession() = default;

void GpuSession::Allocate(size_t bytes, abi::DmaBuffer* buffer) {
  if (function_->AllocateDma(bytes, buffer) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("no DMA memory: ") + function_->LastErrorText());
  }
}

void GpuSession::StoreEntry(uint64_t at, uint64_t entry) {
  if (function_->BarWriteBlock(abi::kVramBar, at, &entry, sizeof(entry)) != abi::PciError::kNone) {
    throw std::runtime_error(std::string("no visible VRAM: ") + function_->LastErrorText());
  }
}

// By large pages where the memory is aligned to them, as kmd's page tables do.
void GpuSession::MapContext() {
  constexpr uint64_t kTable = abi::kPteValid | abi::kPteLocal;
  constexpr uint64_t kLeaf = abi::kPteValid | abi::kPteWritable;
  const std::vector<uint8_t> zeros(4 * abi::kPageSize);
  (void)function_->BarWriteBlock(abi::kVramBar, kTables, zeros.data(), zeros.size());
  StoreEntry(kTables, kDirectory | kTable);
  StoreEntry(kDirectory, kLargePages | kTable);
  StoreEntry(kLargePages, kPages | kTable);
  StoreEntry(kPages, response_.bus_address | kLeaf);
  const std::pair<uint64_t, uint64_t> kWindows[] = {
      {kSource, source_.bus_address},
      {kTarget, target_.bus_address},
      {kProtected, abi::kProtectedVramLocalBase | abi::kPteLocal},
  };
  for (const auto& [address, physical] : kWindows) {
    if (!IsAligned(physical & abi::kPteAddressMask, abi::kLargePageSize)) {
      throw std::runtime_error("a large buffer does not begin with a large page");
    }
    for (uint64_t at = 0; at < bytes_; at += abi::kLargePageSize) {
      StoreEntry(kLargePages + (address + at) / abi::kLargePageSize * sizeof(uint64_t),
                 (physical + at) | kLeaf | abi::kPteLarge);
    }
  }
}

void GpuSession::CreateContext() {
  auto create = kmd::MakeCommand<abi::ContextCreateCommand>();
  create.context = kContext;
  create.page_table_root = kTables;
  kernel_queue_->Append(kmd::BytesOf(create));
  kernel_queue_->AppendFence(BenchQueue::Fence::kSilent);
  kernel_queue_->RingDoorbell();
  kernel_queue_->SpinUntilFence();
}

void GpuSession::OpenSession(const std::string& certificate) {
  abi::CreateSessionRequest create{};
  std::copy(std::begin(firmware::kAes128Ctr), std::end(firmware::kAes128Ctr), create.crypto_type);
  std::copy(std::begin(firmware::kRsaesOaep), std::end(firmware::kRsaesOaep),
            create.key_exchange_type);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&create);
  session_ = LoadLe<uint32_t>(Send(abi::kMessageCreateSession, {bytes, sizeof(create)}).data());
  const std::vector<uint8_t> blob = WrapKey(key_, certificate);
  std::vector<uint8_t> negotiate(sizeof(abi::NegotiateSessionKeyRequest));
  StoreLe<uint32_t>(negotiate.data(), session_);
  StoreLe<uint32_t>(negotiate.data() + 4, static_cast<uint32_t>(blob.size()));
  negotiate.insert(negotiate.end(), blob.begin(), blob.end());
  Send(abi::kMessageNegotiateSessionKey, negotiate);
}

std::vector<uint8_t> GpuSession::Send(uint32_t message, ConstByteSpan payload) {
  queue_->Append(fakes::MakeMessage(message, payload, kResponse, kResponseBytes));
  Finish(Wait::kPolls);
  const uint32_t status = LoadLe<uint32_t>(response_.cpu);
  if (status != abi::kStatusOk) {
    throw std::runtime_error(std::string("message ") + std::to_string(message) + ": " +
                             abi::StatusName(status));
  }
  return {response_.cpu + sizeof(abi::ResponseHeader), response_.cpu + kResponseBytes};
}

void GpuSession::Finish(Wait wait) {
  queue_->AppendFence(wait == Wait::kSleeps ? BenchQueue::Fence::kInterrupts
                                            : BenchQueue::Fence::kSilent);
  queue_->RingDoorbell();
  if (wait == Wait::kSleeps) {
    TakeInterrupt(function_.get());
    queue_->ClearCause();
  }
  queue_->SpinUntilFence();
}

void GpuSession::Decrypt(const Block& iv, size_t bytes, Target target, Wait wait) {
  auto command = kmd::MakeCommand<abi::DecryptBltCommand>();
  command.session = session_;
  command.length_bytes = static_cast<uint32_t>(bytes);
  command.source = kSource;
  command.destination = target == Target::kProtected ? kProtected : kTarget;
  std::copy(iv.begin(), iv.end(), command.iv);
  queue_->Append(kmd::BytesOf(command));
  Finish(wait);
}

std::vector<uint8_t> GpuSession::ReadBack(size_t bytes) {
  abi::GetReadbackKeyRequest request{};
  request.session = session_;
  const auto* asked = reinterpret_cast<const uint8_t*>(&request);
  const std::vector<uint8_t> answer = Send(abi::kMessageGetReadbackKey, {asked, sizeof(request)});
  Block key;
  Cipher(Cipher::Mode::kEcb, Cipher::Direction::kDecrypt, key_)
      .Run(Block{}, ConstByteSpan(answer).first(key.size()), key.data());
  auto command = kmd::MakeCommand<abi::EncryptBltCommand>();
  command.session = session_;
  command.length_bytes = static_cast<uint32_t>(bytes);
  command.destination = kTarget;
  command.source = kProtected;
  command.iv_address = kResponse;
  queue_->Append(kmd::BytesOf(command));
  Finish(Wait::kPolls);
  CheckNoRefusal();
  Block iv;
  std::copy_n(response_.cpu, iv.size(), iv.begin());
  std::vector<uint8_t> plain(bytes);
  Cipher(Cipher::Mode::kCtr, Cipher::Direction::kDecrypt, key)
      .Run(iv, target().first(bytes), plain.data());
  return plain;
}

void GpuSession::CheckNoRefusal() const {
  if (queue_->Refusals() != 0) throw std::runtime_error("the device refused a command");
}

}  // namespace ward::bench
