// ward_soak_player: plays a job again and again on a chip in this process or a served one, with
// resets in between and a new connection after every few plays, until its standard input ends.
// Tells after each connection what was done; `./dev soak` starts it and watches what it holds.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/identity/identity.h"
#include "emulator/in_process/in_process_host.h"
#include "examples/protected_player/job.h"
#include "examples/protected_player/output.h"
#include "examples/protected_player/player.h"
#include "examples/protected_player/story.h"
#include "kmd/ports/open_function.h"

namespace {

using ward::abi::PciError;
using ward::abi::PciFunction;

constexpr int kPlaysOfConnection = 4;
constexpr char kUsage[] =
    "usage: ward_soak_player ADDRESS JOB CLIP OUTPUT\n"
    "  ADDRESS  in-process:IDENTITY for a chip here, with that identity; or ";

struct Arguments {
  std::string address;
  std::string job;
  std::string clip;  // what has to come back
  std::string output;
};

struct Tally {
  uint64_t connections = 0;
  uint64_t sessions = 0;
  uint64_t frames = 0;
  uint64_t resets = 0;
  uint64_t faults = 0;
};

std::unique_ptr<PciFunction> MakeChip(const ward::emulator::Identity& identity) {
  ward::emulator::InProcessOptions options;
  options.gpu.identity_key = &identity.key();
  options.gpu.identity_private_key = identity.private_key();
  options.gpu.identity_certificates = identity.certificate_bundle();
  auto host = ward::emulator::InProcessHost::Create(options);
  if (!host.ok()) throw std::runtime_error(host.fault().reason);
  return std::move(host.value());
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " can't be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Throws when the frames that were read back are not the clip's.
void CheckOutput(const Arguments& arguments, const ward::examples::Job& job,
                 const std::string& clip) {
  std::ifstream output(arguments.output, std::ios::binary);
  std::string frame(job.frame_bytes(), '\0');
  for (uint32_t index = 0; index < job.frame_count(); ++index) {
    output.seekg(
        static_cast<std::streamoff>(index * ward::examples::RoundToBlocks(job.frame_bytes())));
    output.read(frame.data(), static_cast<std::streamsize>(frame.size()));
    if (!output || clip.compare(size_t{index} * frame.size(), frame.size(), frame) != 0) {
      throw std::runtime_error("frame " + std::to_string(index) + " came back wrong");
    }
  }
}

void PlayOnce(PciFunction* function, const Arguments& arguments, const std::string& clip,
              Tally* tally) {
  std::istringstream input("\n");
  std::ostringstream told;
  ward::examples::Story story(&input, &told);
  ward::examples::Job job(arguments.job);
  ward::examples::Output output(arguments.output);
  ward::examples::Player player(function, &job, &output, &story);
  player.Play();
  CheckOutput(arguments, job, clip);
  tally->sessions += 2;  // the one that plays, and the one of the tampered blob
  tally->frames += player.tally().frames;
}

class Soak {
 public:
  explicit Soak(Arguments arguments)
      : arguments_(std::move(arguments)), clip_(ReadFile(arguments_.clip)) {
    constexpr char kHere[] = "in-process:";
    if (arguments_.address.rfind(kHere, 0) != 0) return;
    std::string error;
    identity_ =
        ward::emulator::Identity::Load(arguments_.address.substr(sizeof(kHere) - 1), &error);
    if (!identity_) throw std::runtime_error(error);
  }

  void RunConnection() {
    ++tally_.connections;
    try {
      const std::unique_ptr<PciFunction> function = Open();
      for (int i = 0; i < kPlaysOfConnection; ++i) {
        PlayOnce(function.get(), arguments_, clip_, &tally_);
        if (function->ResetFunction() != PciError::kNone) {
          throw std::runtime_error(std::string("reset: ") + function->LastErrorText());
        }
        ++tally_.resets;
      }
    } catch (const std::exception& error) {
      ++tally_.faults;
      std::printf("fault connection %llu: %s\n", Number(tally_.connections), error.what());
    }
    std::printf("done connections=%llu sessions=%llu frames=%llu resets=%llu faults=%llu\n",
                Number(tally_.connections), Number(tally_.sessions), Number(tally_.frames),
                Number(tally_.resets), Number(tally_.faults));
    std::fflush(stdout);
  }

  bool is_well() const { return tally_.faults == 0; }

 private:
  static unsigned long long Number(uint64_t value) { return value; }

  std::unique_ptr<PciFunction> Open() const {
    if (identity_) return MakeChip(*identity_);
    std::unique_ptr<PciFunction> function;
    std::string error;
    if (ward::kmd::OpenFunction(arguments_.address, &function, &error) != PciError::kNone) {
      throw std::runtime_error(error);
    }
    return function;
  }

  const Arguments arguments_;
  const std::string clip_;
  std::optional<ward::emulator::Identity> identity_;
  Tally tally_;
};

// Whether whoever started this program has closed its input, or is gone.
bool IsOver() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  char byte;
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "%s%s\n", kUsage, ward::kmd::kFunctionForms);
    return 2;
  }
  try {
    Soak soak({argv[1], argv[2], argv[3], argv[4]});
    while (!IsOver()) soak.RunConnection();
    return soak.is_well() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ward_soak_player: %s\n", error.what());
    return 1;
  }
}
