// libFuzzer target: the security processor's firmware behind its mailbox, on a platform that fails
// when the input says so.
//
// An input is a row of operations, each a byte that chooses one and the bytes that it takes.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/firmware/firmware_oracles.h"
#include "tests/fuzz/firmware/fuzz_platform.h"
#include "tests/fuzz/firmware/message_writer.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {
namespace {

class FirmwareMachine {
 public:
  void Run(ConstByteSpan bytes) {
    InputReader input(bytes);
    platform_.Start();
    state_ = {};
    oracles_.Start();
    firmware::Boot(&platform_, &state_);
    messages_left_ = kMessages;
    last_ = {};
    while (!input.empty() && messages_left_ != 0) RunOperation(&input);
    EndAll();
  }

 private:
  static constexpr uint32_t kMessages = 300;
  static constexpr uint32_t kContexts = 4;

  void RunOperation(InputReader* input) {
    const auto operation = input->Take<uint8_t>();
    oracles_.Before();
    switch (operation % 16) {
      default:
        last_ = writer_.Write(input);
        return Send();
      case 9: {
        // The same again: until the tables are full.
        for (uint32_t left = input->Take<uint8_t>() % 80; left != 0 && messages_left_ != 0;
             --left) {
          oracles_.Before();
          Send();
        }
        return;
      }
      case 10:
        return MakeTrouble(input);
      case 11:
        platform_.Damage(input->Take<uint8_t>() % FuzzPlatform::kSlots);
        return;
      case 12:
        platform_.SetLink(operation >> 4, input->Take<uint8_t>() % 4);
        return;
      case 13:
        return EndContext(input->Take<uint8_t>() % kContexts);
      case 14:
        return EndAllKeys(input->Take<uint8_t>());
    }
  }

  void Send() {
    if (last_.response_capacity < sizeof(abi::ResponseHeader)) return;
    --messages_left_;
    platform_.OpenMailbox(last_.payload, last_.response_capacity);
    const firmware::Answer answer = firmware::HandleMessage(
        &platform_, &state_,
        {last_.number, last_.context, last_.payload_bytes, last_.response_capacity});
    oracles_.AfterMessage(last_, answer);
  }

  void MakeTrouble(InputReader* input) {
    const auto kind = input->Take<uint8_t>();
    const uint32_t in = kind >> 3;
    FuzzPlatform::Trouble& trouble = platform_.trouble;
    switch (kind % 8) {
      case 0:
        trouble = {};
        return;
      case 1:
      case 2:
        trouble.damage_in = in + 1;
        return;
      case 3:
        trouble.block_fails_in = in + 1;
        return;
      case 4:
      case 5:
        trouble.entropy_ends_in = in + 1;
        return;
      case 6:
        trouble.failing_self_test = static_cast<int>(in % 8);
        return;
      case 7:
        trouble.without_slots = (in & 1) == 0;
        trouble.rsa_fails = (in & 2) != 0;
        return;
    }
  }

  void EndContext(uint32_t context) {
    platform_.OpenMailbox({}, 0);
    firmware::EndContext(&platform_, &state_, context);
    oracles_.AfterContextEnd(context);
  }

  void EndAllKeys(uint8_t kind) {
    platform_.OpenMailbox({}, 0);
    switch (kind % 4) {
      case 0:
        firmware::FailCipher(&platform_, &state_);
        return oracles_.After();
      case 1: {
        // A reset: the handle source stays, so no handle comes twice.
        platform_.WipeAllSlots();
        const bool open = (kind & 4) != 0;
        const firmware::HandleSource source = state_.handle_source;
        state_ = {};
        state_.handle_source = source;
        for (uint32_t i = 0; i < firmware::kSessionCount; ++i) {
          (void)platform_.WriteGrant(i, {0, 0, 0, 0, 0});
        }
        platform_.trouble = {};
        platform_.open_decrypt = open;
        firmware::Boot(&platform_, &state_);
        return;
      }
      default:
        firmware::TearDown(&platform_, &state_);
        return oracles_.AfterTearDown();
    }
  }

  void EndAll() {
    for (uint32_t context = 0; context < kContexts; ++context) {
      oracles_.Before();
      EndContext(context);
    }
    oracles_.Before();
    EndAllKeys(2);
  }

  FuzzPlatform platform_;
  firmware::State state_ = {};
  MessageWriter writer_{&state_, &platform_};
  FirmwareOracles oracles_{&state_, &platform_};
  FirmwareMessage last_;
  uint32_t messages_left_ = 0;
};

}  // namespace
}  // namespace ward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::FirmwareMachine machine;
  machine.Run({data, size});
  return 0;
}
