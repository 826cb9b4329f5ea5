#include "device/crypto/aes_ctr.h"

#include <algorithm>

#include "base/assert.h"
#include "base/rule.h"
#include "device/crypto/openssl_handles.h"

namespace ward::device {
namespace {

using CipherMethodHandle = OpenSslHandle<EVP_CIPHER, EVP_CIPHER_free>;

constexpr uint64_t kMaxUpdateBytes = uint64_t{1} << 30;  // EVP counts in int

}  // namespace

struct AesCtr::Engine {
  CipherMethodHandle method{EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr)};
  CipherHandle context{EVP_CIPHER_CTX_new()};
  bool keyed = false;
};

AesCtr::AesCtr() : engine_(std::make_unique<Engine>()) {}
AesCtr::~AesCtr() = default;
AesCtr::AesCtr(AesCtr&&) noexcept = default;
AesCtr& AesCtr::operator=(AesCtr&&) noexcept = default;

bool AesCtr::SetKey(const AesKey& key) {
  const OpenSslErrorScope errors;
  Wipe();
  engine_->keyed = engine_->method && engine_->context &&
                   EVP_EncryptInit_ex2(engine_->context.get(), engine_->method.get(),
                                       key.Expose().data(), nullptr, nullptr) == 1;
  if (!engine_->keyed) Wipe();
  return engine_->keyed;
}

void AesCtr::Wipe() {
  // Frees the provider's context, which cleanses the key schedule and the last keystream block.
  if (engine_->context) EVP_CIPHER_CTX_reset(engine_->context.get());
  engine_->keyed = false;
  aligned_ = false;
}

bool AesCtr::has_key() const { return engine_ && engine_->keyed; }

bool AesCtr::Start(const CounterBlock& counter, uint64_t position) {
  WARD_ASSERT(has_key());
  counter_ = counter;
  position_ = position;
  return AlignEngine();
}

bool AesCtr::Apply(ConstByteSpan source, ByteSpan destination) {
  WARD_ASSERT(has_key() && source.size() == destination.size());
  const OpenSslErrorScope errors;
  size_t done = 0;
  while (done < source.size()) {
    if (!aligned_ && !AlignEngine()) return false;
    const uint64_t before_wrap = BytesBeforeWrap();
    const uint64_t size =
        std::min({static_cast<uint64_t>(source.size() - done), before_wrap, kMaxUpdateBytes});
    int written = 0;
    if (EVP_EncryptUpdate(engine_->context.get(), destination.data() + done, &written,
                          source.data() + done, static_cast<int>(size)) != 1) {
      Wipe();
      return false;
    }
    position_ += size;
    done += size;
    // libcrypto's counter has 128 bits and would now carry into IV.
    aligned_ = size != before_wrap;
  }
  return true;
}

uint64_t AesCtr::blocks_consumed() const {
  return position_ / kAesBlockBytes + (position_ % kAesBlockBytes != 0 ? 1 : 0);
}

bool AesCtr::AlignEngine() {
  const OpenSslErrorScope errors;
  uint8_t block[kAesBlockBytes];
  CounterBlock{counter_.iv, counter_.count + position_ / kAesBlockBytes}.ToBytes(block);
  const int skipped = static_cast<int>(position_ % kAesBlockBytes);
  SecretBytes<kAesBlockBytes> discarded;
  int written = 0;
  aligned_ = EVP_EncryptInit_ex2(engine_->context.get(), nullptr, nullptr, block, nullptr) == 1 &&
             (skipped == 0 || EVP_EncryptUpdate(engine_->context.get(), discarded.Expose().data(),
                                                &written, discarded.Expose().data(), skipped) == 1);
  if (!aligned_) Wipe();
  return aligned_;
}

uint64_t AesCtr::BytesBeforeWrap() const {
  const uint64_t count = counter_.count + position_ / kAesBlockBytes;
  const uint64_t blocks = 0 - count;  // 0 stands for 2^64
  if (WARD_BROKEN("7.4.count_wraps") || blocks == 0 || blocks > kMaxUpdateBytes) return UINT64_MAX;
  return blocks * kAesBlockBytes - position_ % kAesBlockBytes;
}

}  // namespace ward::device
