// What one input of WirePlayer has in the air.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAY_H_
#define WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/fuzz/vfio_user/wire_player.h"

namespace ward::fuzz {

struct WirePlayer::Play {
  static constexpr size_t kPeers = 3;

  uint64_t SentMessages() const {
    uint64_t sent = 0;
    for (const auto& peer : peers) sent += peer == nullptr ? 0 : peer->model().sent_messages();
    return sent + left_messages;
  }

  ConstByteSpan input;
  uint32_t operations_left = 400;
  HostileDescriptors descriptors;
  std::array<std::unique_ptr<HostilePeer>, kPeers> peers;
  // Of peers that others have taken the place of.
  uint64_t left_messages = 0;
  std::vector<FileDescriptor> left_files;
  size_t current = 0;
  AtWait at_wait = AtWait::kAnswers;
  AnswerVariant next_answer = AnswerVariant::kRight;
  bool reads = true;
  bool sent_own_socket = false;
  bool wrote_late = false;  // to visible VRAM, after the server had let him go
  uint32_t held_operations = 0;
  uint32_t split_at = 0;  // 0: the next message goes whole
  uint32_t probes_left = 3;
  bool is_probing = false;
  uint32_t ring_pages[kQueues] = {};
  uint32_t tails[kQueues] = {};
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_WIRE_PLAY_H_
