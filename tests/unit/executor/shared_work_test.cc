// A chip with several workers is the chip with one: the same bytes and the same state hash.
#include <cstdint>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/ctr_engine.h"
#include "emulator/boundary/recording.h"
#include "tests/bench/chip/bench_session.h"

namespace ward::bench {
namespace {

uint64_t HashOfRun(uint32_t workers, emulator::BoundaryListener* listener = nullptr) {
  constexpr uint32_t kSizes[] = {1 << 20, 64 << 10, (64 << 10) + 16, 33333, 32 << 10, 100, 5 << 20};
  BenchSession session(workers, false, listener);
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

// Pictures of each format and filter: in protected memory, into it, out of step with its rows, and
// over their own source.
uint64_t HashOfPictures(uint32_t workers) {
  BenchSession session(workers);
  std::vector<uint8_t> batch;
  const auto add = [&batch](const auto& command) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&command);
    batch.insert(batch.end(), bytes, bytes + sizeof(command));
  };
  add(session.Decrypt(4 << 20));
  uint64_t to = BenchSession::kProtected + (8 << 20);
  for (const uint32_t format : {0u, 1u, 2u}) {
    for (const uint32_t filter : {0u, 1u, 2u}) {
      for (const uint32_t width : {640u, 401u}) {
        auto command = MakeCommand<abi::VideoBltCommand>();
        command.source_format = format;
        command.filter = filter;
        command.color_space = 1;
        command.source_luma = BenchSession::kProtected + 4096;
        command.source_chroma = format == 2 ? 0 : BenchSession::kProtected + (2 << 20);
        command.source_pitch = 2576;
        command.source_left = format;
        command.source_width = 640;
        command.source_height = 361;
        command.destination_width = width;
        command.destination_height = width == 640 ? 361 : 299;
        command.destination_pitch = 4 * width + 4;
        command.destination = to;
        add(command);
        to += 1 << 20;
      }
    }
  }
  auto over = MakeCommand<abi::VideoBltCommand>();
  over.source_luma = BenchSession::kProtected;
  over.source_chroma = BenchSession::kProtected + 512 * 512;
  over.destination = BenchSession::kProtected + 4100;
  over.source_pitch = over.source_width = over.destination_width = 512;
  over.source_height = over.destination_height = 512;
  over.destination_pitch = 2048;
  add(over);
  session.SetBatchBytes(batch);
  session.Submit();
  session.CheckNoFault();
  return session.host().gpu().StateHash();
}

TEST_CASE("pictures made by several processors leave the same state") {
  const uint64_t alone = HashOfPictures(1);
  for (const uint32_t workers : {2u, 3u, 8u}) CHECK(HashOfPictures(workers) == alone);
}

TEST_CASE("F16_ bulk work by several processors leaves the same state") {
  if (!device::CtrEngine().is_wide()) SKIP("libcrypto's block is not shared");
  const uint64_t alone = HashOfRun(1);
  for (const uint32_t workers : {2u, 3u, 8u}) CHECK(HashOfRun(workers) == alone);
}

TEST_CASE("what several processors did replays on one") {
  if (!device::CtrEngine().is_wide()) SKIP("libcrypto's block is not shared");
  emulator::Recording recording;
  const uint64_t shared = HashOfRun(3, &recording);
  const auto outcome = emulator::Replay(recording, BenchSession::ChipOptions());
  REQUIRE(outcome.ok());
  INFO("event " << outcome.value().event << ": " << outcome.value().difference);
  CHECK(outcome.value().matches);
  CHECK(outcome.value().state_hash == shared);
}

}  // namespace
}  // namespace ward::bench
