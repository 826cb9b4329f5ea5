// The commands that a driver sends most, for callgrind to count what each takes of our own
// instructions (tools/bench/instructions.py). Under it a dump is left for each, named
// "<command> <how many>"; alone it prints which compiler made it, and what block it would run on.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "device/crypto/ctr_engine.h"
#include "tests/bench/chip/bench_session.h"

namespace ward::bench {
namespace {

// Enough that what a doorbell costs by itself does not count.
constexpr uint32_t kCommands = 1024;

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

void Count(const char* name, const std::function<void()>& work) {
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  work();
  const std::string title = std::string(name) + " " + std::to_string(kCommands);
  CALLGRIND_DUMP_STATS_AT(title.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
}

template <typename Command>
void CountBatch(BenchSession* session, const char* name, const Command& command) {
  session->SetBatch(command, kCommands);
  session->Submit();  // what is made when it is first used is made
  Count(name, [&] { session->Submit(); });
  session->CheckNoFault();
}

void CountFences(BenchSession* session) {
  std::vector<uint8_t> batch;
  for (uint32_t value = 1; value <= kCommands; ++value) {
    auto fence = MakeCommand<abi::FenceCommand>();
    fence.value = value;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&fence);
    batch.insert(batch.end(), bytes, bytes + sizeof(fence));
  }
  session->SetBatchBytes(batch);
  Count("fence", [&] { session->Submit(); });
  session->CheckNoFault();
}

void CountRegisterReads(BenchSession* session) {
  uint32_t all = ~0u;
  Count("register_read", [&] {
    for (uint32_t i = 0; i < kCommands; ++i) {
      all &= session->host().BarRead32(0, abi::kRegQueueStatus);
    }
  });
  if (all == ~0u) throw std::runtime_error("the chip is gone");
}

void CountAll() {
  BenchSession session;
  CountBatch(&session, "noop", MakeCommand<abi::NoopCommand>());
  CountBatch(&session, "decrypt_64", session.Decrypt(64));
  CountBatch(&session, "decrypt_4096", session.Decrypt(4096));
  CountFences(&session);
  CountRegisterReads(&session);
}

}  // namespace
}  // namespace ward::bench

int main() {
  try {
    std::printf("compiler %s\nlibstdc++ %d\nwide %d\n", ward::bench::kCompiler, _GLIBCXX_RELEASE,
                ward::device::CtrEngine().is_wide());
    if (RUNNING_ON_VALGRIND) ward::bench::CountAll();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hot_commands: %s\n", error.what());
    return 1;
  }
}
