#include "device/crypto/drbg.h"

#include <algorithm>

#include "base/assert.h"
#include "device/crypto/aes_block.h"

namespace ward::device {

bool Drbg::Instantiate(const Seed& entropy) {
  Wipe();
  seeded_ = Update(entropy.Expose());
  if (!seeded_) Wipe();
  return seeded_;
}

bool Drbg::Reseed(const Seed& entropy) {
  WARD_ASSERT(seeded_);
  seeded_ = Update(entropy.Expose());
  if (!seeded_) Wipe();
  return seeded_;
}

bool Drbg::Generate(ByteSpan output) {
  WARD_ASSERT(output.size() <= kMaxRequestBytes);
  bool ok = seeded_;
  for (size_t done = 0; ok && done < output.size(); done += kAesBlockBytes) {
    SecretBytes<kAesBlockBytes> block;
    ok = NextBlock(block.Expose());
    const size_t size = std::min(kAesBlockBytes, output.size() - done);
    std::copy_n(block.Expose().begin(), size, output.begin() + static_cast<ptrdiff_t>(done));
  }
  const Seed no_additional_input;
  ok = ok && Update(no_additional_input.Expose());
  if (!ok) {
    Wipe();
    SecureWipe(output.data(), output.size());
  }
  return ok;
}

void Drbg::Wipe() {
  key_.Wipe();
  v_.Wipe();
  seeded_ = false;
}

bool Drbg::NextBlock(ByteSpan block) {
  for (size_t i = kAesBlockBytes; i-- > 0;) {
    if (++v_.Expose()[i] != 0) break;
  }
  return AesEncryptBlock(key_, v_.Expose(), block);
}

bool Drbg::Update(ConstByteSpan provided_data) {
  SecretBytes<Seed::kSizeBytes> next;
  const ByteSpan bytes = next.Expose();
  if (!NextBlock(bytes.first(kAesBlockBytes)) || !NextBlock(bytes.last(kAesBlockBytes))) {
    return false;
  }
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= provided_data[i];
  std::copy_n(bytes.begin(), kAesBlockBytes, key_.Expose().begin());
  std::copy_n(bytes.begin() + kAesBlockBytes, kAesBlockBytes, v_.Expose().begin());
  return true;
}

}  // namespace ward::device
