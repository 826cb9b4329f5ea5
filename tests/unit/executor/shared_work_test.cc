// A chip with several workers is the chip with one: the same bytes and the same state hash.
#include <cstdint>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/ctr_engine.h"
#include "tests/bench/chip/bench_session.h"

namespace ward::bench {
namespace {

uint64_t HashOfRun(uint32_t workers) {
  constexpr uint32_t kSizes[] = {1 << 20, 64 << 10, (64 << 10) + 16, 33333, 32 << 10, 100, 5 << 20};
  BenchSession session(workers);
  std::vector<uint8_t> batch;
  uint64_t at = 0;
  for (const uint32_t size : kSizes) {
    abi::DecryptBltCommand command = session.Decrypt(size);
    // From odd places to odd places, so that pieces begin amid blocks of both.
    command.source = BenchSession::kSystem + at;
    command.destination = BenchSession::kProtected + at;
    StoreBe64(command.iv, 5);
    StoreBe64(command.iv + 8, (uint64_t{1} << 32) - 4000 - at);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&command);
    batch.insert(batch.end(), bytes, bytes + sizeof(command));
    at += size + 4099;
  }
  session.SetBatchBytes(batch);
  session.Submit();
  session.CheckNoFault();
  return session.host().gpu().StateHash();  // of protected memory too
}

TEST_CASE("F16_ bulk work by several processors leaves the same state") {
  if (!device::CtrEngine().is_wide()) SKIP("libcrypto's block is not shared");
  const uint64_t alone = HashOfRun(1);
  for (const uint32_t workers : {2u, 3u, 8u}) CHECK(HashOfRun(workers) == alone);
}

}  // namespace
}  // namespace ward::bench
