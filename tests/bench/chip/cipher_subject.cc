#include "tests/bench/chip/cipher_subject.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "device/crypto/ctr_engine.h"
#include "tests/bench/chip/evp.h"
#include "tests/bench/chip/figure_table.h"
#include "tests/bench/chip/other_ciphers.h"
#include "tests/bench/chip/sizes.h"
#include "tests/bench/chip/two_threads.h"

namespace ward::bench {
namespace {

constexpr uint8_t kKey[16] = {1, 2, 3};
constexpr uint8_t kCounter[16] = {1};
constexpr uint32_t kHotBytes = 64 << 10;
constexpr uint32_t kHotRepeats = 1024;

void Require(bool holds) {
  if (!holds) throw std::runtime_error("the block failed");
}

// What is decrypted, and where to. Of all ciphers: their turns come one after the other.
struct Buffers {
  std::vector<uint8_t> source = std::vector<uint8_t>(32 << 20, 0x5a);
  std::vector<uint8_t> destination = std::vector<uint8_t>(32 << 20, 0xa5);
};

void AddSizes(FigureTable* table, const std::shared_ptr<Buffers>& buffers, const CtrFunction& run) {
  for (const uint32_t bytes : kCipherSizes) {
    table->Add(NameOf("decrypt", bytes), [buffers, run, bytes](uint32_t count) {
      const uint32_t repeats = RepeatsOf(bytes);
      const double time = MedianNanoseconds(count, [&] {
        for (uint32_t i = 0; i < repeats; ++i) {
          run(buffers->source.data(), buffers->destination.data(), bytes);
        }
      });
      return MibPerSecond(double{1} * bytes * repeats, time);
    });
  }
}

// The chip's block with a key of its own.
class Block {
 public:
  explicit Block(device::CtrEngine::Block block) : engine_(block) {
    std::memcpy(key_.key.Expose().data(), kKey, sizeof(kKey));
    key_.Expand();
  }
  bool is_wide() const { return engine_.is_wide(); }
  void Run(const uint8_t* source, uint8_t* destination, size_t size) {
    Require(engine_.Begin(&key_, {1, 0}));
    Require(engine_.Apply(0, {source, size}, {destination, size}));
    engine_.Finish();
  }

 private:
  device::CtrKey key_;
  device::CtrEngine engine_;
};

double MeasurePattern(Evp* evp, uint8_t* buffer, uint32_t bytes, uint32_t count) {
  const uint32_t repeats = RepeatsOf(bytes);
  const uint32_t stride = kPattern.bytes_in_encrypt_pattern + kPattern.bytes_in_skip_pattern;
  const double time = MedianNanoseconds(count, [&] {
    for (uint32_t i = 0; i < repeats; ++i) {
      evp->StartWithKey();
      for (uint32_t at = 0; at < bytes; at += stride) {
        const uint32_t run = std::min(kPattern.bytes_in_encrypt_pattern, bytes - at);
        evp->Update(buffer + at, buffer + at, run);
      }
    }
  });
  return MibPerSecond(double{1} * bytes * repeats, time);
}

std::unique_ptr<FigureTable> MakeEvp(const std::shared_ptr<Buffers>& buffers) {
  auto table = std::make_unique<FigureTable>("evp");
  const auto evp = std::make_shared<Evp>(kKey);
  AddSizes(table.get(), buffers, [evp](const uint8_t* source, uint8_t* destination, size_t size) {
    evp->StartWithKey();
    evp->Update(source, destination, size);
  });
  for (const uint32_t bytes : kPatternSizes) {
    table->Add(NameOf("pattern", bytes), [evp, buffers, bytes](uint32_t count) {
      return MeasurePattern(evp.get(), buffers->destination.data(), bytes, count);
    });
  }
  return table;
}

std::unique_ptr<FigureTable> MakeEvpIv(const std::shared_ptr<Buffers>& buffers) {
  auto table = std::make_unique<FigureTable>("evp_iv");
  const auto evp = std::make_shared<Evp>(kKey);
  AddSizes(table.get(), buffers, [evp](const uint8_t* source, uint8_t* destination, size_t size) {
    evp->StartWithIv();
    evp->Update(source, destination, size);
  });
  return table;
}

double MeasureBlocks(bool both, uint32_t count) {
  struct Worker {
    Block block{device::CtrEngine::Block::kWidest};
    std::vector<uint8_t> source = std::vector<uint8_t>(kHotBytes);
    std::vector<uint8_t> destination = std::vector<uint8_t>(kHotBytes);
    void Run() {
      for (uint32_t i = 0; i < kHotRepeats; ++i) {
        block.Run(source.data(), destination.data(), kHotBytes);
      }
    }
  };
  Worker workers[2];
  const double bytes = double{kHotBytes} * kHotRepeats;
  for (Worker& worker : workers) worker.Run();
  if (!both) return MibPerSecond(bytes, MedianOfOne(count, [&] { workers[0].Run(); }));
  return MibPerSecond(2 * bytes,
                      MedianOfBoth(count, [&] { workers[0].Run(); }, [&] { workers[1].Run(); }));
}

}  // namespace

std::vector<std::unique_ptr<Subject>> MakeCipherSubjects() {
  std::vector<std::unique_ptr<Subject>> subjects;
  const auto buffers = std::make_shared<Buffers>();
  const std::pair<const char*, device::CtrEngine::Block> kBlocks[] = {
      {"wide", device::CtrEngine::Block::kWidest},
      {"libcrypto", device::CtrEngine::Block::kLibcrypto}};
  for (const auto& [kind, which] : kBlocks) {
    const auto block = std::make_shared<Block>(which);
    if (kind == std::string("wide") && !block->is_wide()) continue;
    auto table = std::make_unique<FigureTable>(kind);
    AddSizes(table.get(), buffers,
             [block](const uint8_t* source, uint8_t* destination, size_t size) {
               block->Run(source, destination, size);
             });
    if (block->is_wide()) {
      table->Add("one_block", [](uint32_t count) { return MeasureBlocks(false, count); });
      table->Add("two_blocks", [](uint32_t count) { return MeasureBlocks(true, count); });
    }
    subjects.push_back(std::move(table));
  }
  subjects.push_back(MakeEvp(buffers));
  subjects.push_back(MakeEvpIv(buffers));
  for (const OtherCipher& other : MakeOtherCiphers(kKey, kCounter)) {
    auto table = std::make_unique<FigureTable>(other.kind);
    AddSizes(table.get(), buffers, other.run);
    subjects.push_back(std::move(table));
  }
  return subjects;
}

}  // namespace ward::bench
