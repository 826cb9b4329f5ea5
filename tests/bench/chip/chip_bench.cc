// The chip against what the processor can do at most: each row beside its baseline.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <vector>

#include "device/crypto/ctr_engine.h"
#include "tests/bench/chip/bench_session.h"

namespace {

using ward::bench::BenchSession;
using ward::bench::MakeCommand;

BenchSession& Session() {
  static BenchSession session;
  return session;
}

void RunBatches(benchmark::State& state, size_t count, uint64_t bytes_each) {
  BenchSession& session = Session();
  session.Submit();
  for (auto _ : state) session.Submit();
  session.CheckNoFault();
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * count * bytes_each));
}

void BM_Noop(benchmark::State& state) {
  const size_t count = 4096;
  Session().SetBatch(MakeCommand<ward::abi::NoopCommand>(), count);
  RunBatches(state, count, 0);
}
BENCHMARK(BM_Noop);

void BM_Decrypt(benchmark::State& state) {
  const size_t count = 64;
  const auto size = static_cast<uint32_t>(state.range(0));
  Session().SetBatch(Session().Decrypt(size), count);
  RunBatches(state, count, size);
}

// Key and IV for each call, as a driver without a key store calls it.
void BM_Evp(benchmark::State& state) {
  const size_t count = 64;
  const auto size = static_cast<size_t>(state.range(0));
  std::vector<uint8_t> destination(size);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  const uint8_t iv[16] = {1};
  for (auto _ : state) {
    for (size_t i = 0; i < count; ++i) {
      int written = 0;
      EVP_EncryptInit_ex2(context, cipher, Session().key(), iv, nullptr);
      EVP_EncryptUpdate(context, destination.data(), &written, Session().memory(),
                        static_cast<int>(size));
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * count * size));
  EVP_CIPHER_free(cipher);
  EVP_CIPHER_CTX_free(context);
}
// The block alone: what is left to win.
void BM_Block(benchmark::State& state) {
  const size_t count = 64;
  const auto size = static_cast<size_t>(state.range(0));
  std::vector<uint8_t> destination(size);
  ward::device::CtrKey key;
  std::memcpy(key.key.Expose().data(), Session().key(), 16);
  key.Expand();
  ward::device::CtrEngine engine;
  for (auto _ : state) {
    for (size_t i = 0; i < count; ++i) {
      bool ok = engine.Begin(&key, {1, 0});
      ok = ok && engine.Apply(0, {Session().memory(), size}, destination);
      if (!ok) state.SkipWithError("the block failed");
      engine.Finish();
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * count * size));
}
BENCHMARK(BM_Block)->Arg(64)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(BM_Decrypt)->Arg(64)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(BM_Evp)->Arg(64)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);

}  // namespace

BENCHMARK_MAIN();
