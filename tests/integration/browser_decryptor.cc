#include "tests/integration/browser_decryptor.h"

#include <algorithm>
#include <cstring>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

// visit(place in the sample, place among the joined runs, bytes).
template <typename Visit>
void ForEachEncryptedRun(const SubSampleSizes& sub_samples, Visit visit) {
  size_t in_sample = 0;
  size_t in_joined = 0;
  for (const auto& [clear, encrypted] : sub_samples) {
    in_sample += clear;
    visit(in_sample, in_joined, encrypted);
    in_sample += encrypted;
    in_joined += encrypted;
  }
}

}  // namespace

BrowserDecryptor::BrowserDecryptor(Process* process, runtime::CryptoSession* session,
                                   const Key& key, bool is_restricted)
    : process_(process),
      session_(session),
      key_(key),
      staging_(process->MakeStaging(kBufferBytes)),
      destination_(process->MakeDefault(kBufferBytes, is_restricted)) {}

std::vector<uint8_t> BrowserDecryptor::Decrypt(ConstByteSpan sample, ConstByteSpan iv,
                                               const SubSampleSizes& sub_samples,
                                               ConstByteSpan wrapped_content_key) {
  std::vector<uint8_t> joined;
  ForEachEncryptedRun(sub_samples, [&](size_t in_sample, size_t, uint32_t size) {
    const ConstByteSpan run = sample.subspan(in_sample, size);
    joined.insert(joined.end(), run.begin(), run.end());
  });
  const auto payload = static_cast<UINT>(joined.size());
  REQUIRE(payload <= kBufferBytes);
  process_->app.Upload(staging_.get(), joined);

  D3D11_1DDI_AES_CTR_IV counter = {};
  std::memcpy(&counter, iv.data(), iv.size());
  const UINT rounded = (payload + 15) / 16 * 16;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO blocks = {rounded, kBufferBytes - rounded, 0};
  const ConstByteSpan counter_bytes = {reinterpret_cast<const uint8_t*>(&counter), sizeof(counter)};
  REQUIRE(process_->app.video().DecryptionBlt(session_, staging_.get(), destination_.get(), &blocks,
                                              wrapped_content_key, counter_bytes) == S_OK);

  const std::vector<uint8_t> read = process_->ReadProtected(session_, key_, destination_.get());
  if (read.empty()) return {};
  std::vector<uint8_t> plain(sample.begin(), sample.end());
  ForEachEncryptedRun(sub_samples, [&](size_t in_sample, size_t in_joined, uint32_t size) {
    std::copy_n(read.begin() + static_cast<ptrdiff_t>(in_joined), size,
                plain.begin() + static_cast<ptrdiff_t>(in_sample));
  });
  return plain;
}

}  // namespace ward::test
