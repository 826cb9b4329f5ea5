// A crypto session with a key in it, made over the wire: context 1 on queue 1, page tables in
// visible VRAM, the two messages that it takes.
#ifndef WARD_TESTS_UNIT_VFIO_USER_SESSION_MAKER_H_
#define WARD_TESTS_UNIT_VFIO_USER_SESSION_MAKER_H_

#include <openssl/crypto.h>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "tests/fakes/security_message.h"
#include "tests/unit/device/security_bench.h"
#include "tests/unit/vfio_user/key_scan.h"
#include "tests/unit/vfio_user/test_driver.h"

namespace ward::test {

class SessionMaker {
 public:
  // Both have been started: the kernel's queue too.
  SessionMaker(WireClient* client, ClientRam* ram, TestDriver* kernel)
      : client_(client), ram_(ram), kernel_(kernel) {}

  // Where its messages stand, and how far.
  uint64_t ring() const { return ram_->bus() + kRingOffset; }
  uint32_t tail() const { return tail_; }

  // The session's number; 0 when something was refused.
  uint32_t Make() {
    MakeContext();
    const Bytes created = Send(abi::kMessageCreateSession, device::SecurityBench::CreatePayload());
    if (LoadLe<uint32_t>(created.data()) != abi::kStatusOk) return 0;
    const uint32_t session = LoadLe<uint32_t>(created.data() + 16);
    const device::PublishedIdentity identity;
    device::Block key{};
    for (size_t i = 0; i < key.size(); ++i) key[i] = TestKeyByte(i);
    const Bytes negotiated =
        Send(abi::kMessageNegotiateSessionKey,
             device::SecurityBench::NegotiatePayload(session, identity.Wrap(key)));
    OPENSSL_cleanse(key.data(), key.size());  // what is left of it is the server's
    return LoadLe<uint32_t>(negotiated.data()) == abi::kStatusOk ? session : 0;
  }

 private:
  static constexpr uint64_t kTables = 0x100000;     // in visible VRAM
  static constexpr uint64_t kResponse = 0x3000;     // a virtual address
  static constexpr uint64_t kRingOffset = 0x40000;  // in system memory
  static constexpr uint32_t kQueueStride = abi::kQueueBlockStride;

  void MakeContext() {
    for (uint64_t level = 0; level < 3; ++level) {
      StoreVram(kTables + level * 0x1000,
                (kTables + (level + 1) * 0x1000) | abi::kPteValid | abi::kPteLocal);
    }
    StoreVram(kTables + 0x3000 + kResponse / 4096 * 8,
              (ram_->bus() + kRingOffset + 0x2000) | abi::kPteValid | abi::kPteWritable);
    auto create = fakes::MakeCommand<abi::ContextCreateCommand>();
    create.context = 1;
    create.page_table_root = kTables;
    kernel_->Push(create);
    kernel_->PushFence(1);
    kernel_->Doorbell();
    if (!kernel_->AwaitFence(1)) throw std::runtime_error("no context");
    Write(abi::kRegRingBaseLo, static_cast<uint32_t>(ram_->bus() + kRingOffset));
    Write(abi::kRegFenceAddressLo, static_cast<uint32_t>(ram_->bus() + kRingOffset + 0x1000));
    Write(abi::kRegRingSizeLog2, 12);
    Write(abi::kRegQueueContext, 1);
    Write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  }
  void StoreVram(uint64_t offset, uint64_t value) {
    if (client_->WriteRegion(abi::kVramBar, offset, BytesOf(value)).error() != 0) {
      throw std::runtime_error("no visible VRAM");
    }
  }
  void Write(uint64_t offset, uint32_t value) {
    client_->SetRegister(offset + kQueueStride, value);
  }

  Bytes Send(uint32_t message, const Bytes& payload) {
    const Bytes bytes = fakes::MakeMessage(message, payload, kResponse, 64);
    const uint64_t at = ram_->bus() + kRingOffset + tail_;
    std::memcpy(ram_->Find(at, bytes.size()), bytes.data(), bytes.size());
    auto fence = fakes::MakeCommand<abi::FenceCommand>();
    fence.value = ++fence_;
    ram_->Store(at + bytes.size(), fence);
    tail_ += static_cast<uint32_t>(bytes.size()) + 16;
    client_->SetRegister(abi::kRegDoorbell + abi::kDoorbellBlockStride, tail_);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (client_->Register(abi::kRegLastFenceLo + kQueueStride) != fence_) {
      if (client_->Register(abi::kRegFaultStatus + kQueueStride) != 0 ||
          std::chrono::steady_clock::now() > limit) {
        throw std::runtime_error("a security message failed");
      }
    }
    const uint8_t* response = ram_->Find(ram_->bus() + kRingOffset + 0x2000, 64);
    return {response, response + 64};
  }

  WireClient* client_;
  ClientRam* ram_;
  TestDriver* kernel_;
  uint32_t tail_ = 0;
  uint64_t fence_ = 0;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_SESSION_MAKER_H_
