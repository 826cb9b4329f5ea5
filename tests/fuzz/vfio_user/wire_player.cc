#include "tests/fuzz/vfio_user/wire_player.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/fuzz/oracle.h"
#include "tests/fuzz/vfio_user/staged_system.h"
#include "tests/fuzz/vfio_user/wire_play.h"

namespace ward::fuzz {
namespace {

// A server has given up who does not read, and who has said nothing.
constexpr uint64_t kLongestNs = 11'000'000'000;

}  // namespace

WirePlayer::WirePlayer() {
  StagedSystem& system = StagedSystem::Get();
  system.client_acts = [this] { ActAtWait(); };
  system.server_acts = [this] { return RunServers(1) != 0; };
  bystander_ = std::make_unique<Bystander>(other_device_);
  // What is made once is made before anything is counted.
  CheckFresh(device_, {}, {.queue = true, .session = true});
  RunToRest(0);
}

// Both devices, but not the one that is on the stack and waits for its client.
size_t WirePlayer::RunServers(size_t at_most) {
  StagedSystem& system = StagedSystem::Get();
  const bool was_in_server = std::exchange(system.is_in_server, false);
  const bool was_running = is_fuzzed_running_;
  size_t ran = 0;
  if (!was_running) {
    is_fuzzed_running_ = true;
    ran += device_.RunReady(at_most);
  }
  is_fuzzed_running_ = false;  // the other one waits for nobody
  const std::function<void()> acts = std::exchange(system.client_acts, nullptr);
  ran += other_device_.RunReady(at_most);
  system.client_acts = acts;
  is_fuzzed_running_ = was_running;
  system.is_in_server = was_in_server;
  return ran;
}

void WirePlayer::RunWhileAtWork() {
  for (size_t ran = 0; ran < kHandlersPerOperation;) {
    const size_t now = RunServers(1);
    for (const auto& peer : play_->peers) {
      if (peer == nullptr) continue;
      peer->Flush();
      if (play_->reads) peer->Receive();
    }
    if (now == 0) return;
    ran += now;
  }
}

// Nobody is connected any more: what is left to do was all sent before, 64 messages at a time.
void WirePlayer::RunToRest(uint64_t sent_messages) {
  const uint64_t bound = 400 + 2 * sent_messages;
  for (uint64_t ran = 0; RunServers(1) != 0; ++ran) {
    Expect(ran < bound, "bounded", "a server without clients comes to rest");
  }
}

void WirePlayer::ActAtWait() {
  if (play_ == nullptr || !is_fuzzed_running_) return;
  // A wait ends by its time, or by what the client sends.
  const uint64_t bound = 8000 + 4 * play_->SentMessages();
  Expect(StagedSystem::Get().server_waits <= bound, "bounded", "a server waits so often at most");
  for (const auto& peer : play_->peers) {
    if (peer == nullptr) continue;
    peer->Flush();
    if (play_->reads) peer->Receive();
  }
  if (play_->at_wait == AtWait::kSilent) return;
  if (play_->at_wait == AtWait::kGoesOn && PlayNext()) return;
  for (const auto& peer : play_->peers) {
    if (peer == nullptr) continue;
    while (peer->IsAsked()) {
      peer->Answer(std::exchange(play_->next_answer, AnswerVariant::kRight), &play_->descriptors);
    }
  }
}

bool WirePlayer::PlayNext() {
  const auto record = TakeRecord(&play_->input);
  if (!record || play_->operations_left == 0) return false;
  --play_->operations_left;
  InputReader arguments(record->arguments);
  Do(static_cast<Operation>(record->operation % kOperationCount), &arguments);
  AfterOperation();
  return true;
}

void WirePlayer::AfterOperation() {
  if (is_fuzzed_running_) return;
  if (play_->held_operations != 0) {
    --play_->held_operations;
    return;
  }
  RunWhileAtWork();
}

// A server at rest has answered all that it was asked.
void WirePlayer::CheckUnanswered() {
  if (!play_->reads || RunServers(1) != 0) return;
  for (const auto& peer : play_->peers) {
    if (peer == nullptr || !peer->IsOpen()) continue;
    peer->Receive();
    if (peer->HasEnded() || peer->HasUnsent() || !peer->model().IsWhole()) continue;
    Expect(peer->model().unanswered() == 0, "replies", "a server at rest owes no reply");
  }
}

uint64_t WirePlayer::Run(ConstByteSpan input, FreshChecks checks) {
  StagedSystem::Get().BeginInput();
  const size_t descriptors = CountOpenDescriptors();
  const size_t mappings = CountFileMappings();
  uint64_t digest = 0;
  {
    Play play;
    play.input = input;
    play_ = &play;
    peer();  // the first one connects
    while (PlayNext()) {
    }
    play.held_operations = 0;
    RunWhileAtWork();
    CheckUnanswered();
    play.is_probing = true;
    bystander_->Check();
    for (const auto& peer : play.peers) {
      if (peer != nullptr) peer->Leave(false);
    }
    RunToRest(play.SentMessages());
    if (play.sent_own_socket) {
      // In a message that nobody has read it lives on, and the server can't know that he left.
      StagedSystem::Get().now_ns += kLongestNs;
      RunToRest(play.SentMessages());
    }
    std::vector<FileDescriptor> former = std::move(play.left_files);
    for (const auto& peer : play.peers) {
      if (peer == nullptr) continue;
      digest = digest * 31 + peer->digest();
      for (FileDescriptor& file : peer->vram_files()) former.push_back(std::move(file));
    }
    play_ = nullptr;
    checks.former_is_zero = !play.wrote_late;
    CheckFresh(device_, former, checks);
    RunToRest(0);
  }
  Expect(CountOpenDescriptors() == descriptors, "descriptors", "as many are open as before");
  Expect(CountFileMappings() == mappings, "mappings", "as many files are mapped as before");
  return digest;
}

}  // namespace ward::fuzz
