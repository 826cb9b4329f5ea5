// The protected player: what an application does to show a clip that nobody else can read. Plays a
// job, reads every frame back encrypted to prove what was decrypted, tries to read the picture as a
// CPU could, reports, holds the picture, and ends everything in order.
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_PLAYER_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_PLAYER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "examples/protected_player/certificate_chain.h"
#include "examples/protected_player/job.h"
#include "examples/protected_player/output.h"
#include "examples/protected_player/read_probes.h"
#include "examples/protected_player/session_key.h"
#include "examples/protected_player/story.h"
#include "examples/protected_player/surfaces.h"
#include "runtime/adapter.h"
#include "runtime/crypto_session.h"
#include "runtime/device.h"
#include "runtime/kernel.h"
#include "runtime/video_context.h"
#include "runtime/video_device.h"

namespace ward::examples {

// What the report says, besides the layout of the output.
struct PlayerTally {
  uint32_t frames = 0;
  uint64_t bytes_decrypted = 0;
  uint64_t bytes_read_back = 0;
  uint32_t protected_reads_tried = 0;
  uint32_t protected_reads_refused = 0;
  std::string wrong_blob_result;
  std::string certificate_subject;
};

class Player {
 public:
  // All of them outlive the player.
  Player(abi::PciFunction* function, Job* job, Output* output, Story* story);

  // The whole of it, told to the story. Throws StepFailure; everything made is ended then too.
  void Play();

  // What the drivers refused so far, session by session. Tells nothing without a kernel.
  void TellEvents();

  const PlayerTally& tally() const { return tally_; }

 private:
  void OpenDevice();
  void AskCapabilities();
  void CreateSession();
  void VerifyCertificate();
  void TryTamperedBlob();
  void ExchangeKey();
  void PlayFrames();
  void DecryptFrame(uint32_t index);
  void ShowFrame();
  void ReadFrameBack(uint32_t index);
  void TryToReadThePicture();
  void Report();
  void TearDown();

  abi::PciFunction* function_;
  Job* job_;
  Output* output_;
  Story* story_;
  PlayerTally tally_;

  std::unique_ptr<runtime::Kernel> kernel_;
  std::unique_ptr<runtime::Adapter> adapter_;
  std::unique_ptr<runtime::Device> device_;
  std::unique_ptr<runtime::CryptoSession> session_;
  std::unique_ptr<Surfaces> surfaces_;
  VerifiedLeaf leaf_;
  SessionKey session_key_;
  AesKey readback_key_;
  std::array<uint8_t, 16> wrapped_content_key_{};
  std::vector<uint8_t> last_frame_;  // as recovered from the read-back
};

// Plays the job at `job_path` to its end and gives the exit code: 0, or 1 with the failed step
// told.
int RunPlayer(abi::PciFunction* function, const std::string& job_path,
              const std::string& output_path, Story* story);

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_PLAYER_H_
