// Figures of everything in one guest that decrypts, and of the driver there (docs/performance.md).
// usage: ward_rivals_probe WHERE CERTIFICATE      WHERE as in kmd/ports/open_function.h
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kmd/ports/open_function.h"
#include "tests/bench/attachments/probe.h"
#include "tests/bench/rivals/alg_decryption.h"
#include "tests/bench/rivals/driver_subject.h"
#include "tests/bench/rivals/gpu_decryption.h"
#include "tests/bench/rivals/gpu_session.h"
#include "tests/bench/rivals/libcrypto_decryption.h"
#include "tests/bench/rivals/mapping_subject.h"
#include "tests/bench/rivals/message.h"

namespace ward::bench {
namespace {

using Target = GpuSession::Target;
using Wait = GpuSession::Wait;

constexpr uint32_t kDriverQueue = 2;  // of its own

int Run(const std::string& where, const std::string& certificate) {
  std::unique_ptr<abi::PciFunction> function;
  std::string error;
  if (kmd::OpenFunction(where, &function, &error) != abi::PciError::kNone) {
    return RefuseAnswers(where + ": " + error);
  }
  const Message message;
  GpuSession session(std::move(function), Message::kMaximumBytes, message.key(), certificate);
  const ConstByteSpan encrypted = message.Encrypted(Cipher::Mode::kCtr, Message::kMaximumBytes);
  std::copy(encrypted.begin(), encrypted.end(), session.source().begin());

  std::vector<std::unique_ptr<Subject>> subjects;
  const auto add_gpu = [&](const char* kind, Target target, Wait wait) {
    subjects.push_back(std::make_unique<GpuDecryption>(&message, &session, kind, target, wait));
  };
  add_gpu("gpu_polled", Target::kProtected, Wait::kPolls);
  add_gpu("gpu_interrupt", Target::kProtected, Wait::kSleeps);
  add_gpu("gpu_open_polled", Target::kSystem, Wait::kPolls);
  add_gpu("gpu_open_interrupt", Target::kSystem, Wait::kSleeps);
  subjects.push_back(std::make_unique<AlgDecryption>(&message, "virtio", "virtio_crypto_aes_cbc",
                                                     Cipher::Mode::kCbc));
  subjects.push_back(
      std::make_unique<AlgDecryption>(&message, "kernel", "ctr(aes)", Cipher::Mode::kCtr));
  subjects.push_back(std::make_unique<LibcryptoDecryption>(&message));
  subjects.push_back(std::make_unique<MappingSubject>(session.function()));
  subjects.push_back(
      std::make_unique<DriverSubject>(session.function(), kDriverQueue, GpuSession::kContext));
  return RunProbe(subjects);
}

}  // namespace
}  // namespace ward::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: ward_rivals_probe WHERE CERTIFICATE\n");
    return 2;
  }
  try {
    return ward::bench::Run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    return ward::bench::RefuseAnswers(error.what());
  }
}
