// A security processor on real blocks with fake ports, and the other party of its key exchange:
// libcrypto used directly, or the openssl command.
#ifndef WARD_TESTS_UNIT_DEVICE_SECURITY_BENCH_H_
#define WARD_TESTS_UNIT_DEVICE_SECURITY_BENCH_H_

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "device/crypto/rsa_private_key.h"
#include "device/register_file.h"
#include "device/security_processor.h"
#include "tests/fakes/fake_ports.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/vector_file.h"

namespace ward::device {

using test::Bytes;
using Block = std::array<uint8_t, 16>;

inline constexpr uint32_t kQueue = 3;

// The published RSA key that serves as the device's identity here, with what was published for it.
class PublishedIdentity {
 public:
  explicit PublishedIdentity(const std::string& file = "rsa_oaep_2048_sha512_mgf1sha512_test.json")
      : group_(test::ReadVectorFile(file)["testGroups"][0]),
        der_(test::FromHex(group_["privateKeyPkcs8"].get<std::string>())) {
    const unsigned char* next = der_.data();
    key_ = d2i_AutoPrivateKey(nullptr, &next, static_cast<long>(der_.size()));
    const char* reason = "can't be parsed";
    if (key_ != nullptr) checked_ = RsaPrivateKey::FromCertified(key_, &reason);
    if (!checked_) throw std::runtime_error(std::string("the published key ") + reason);
  }
  ~PublishedIdentity() { EVP_PKEY_free(key_); }
  PublishedIdentity(const PublishedIdentity&) = delete;
  PublishedIdentity& operator=(const PublishedIdentity&) = delete;

  const Bytes& der() const { return der_; }
  // For many chips: whether its factors are prime takes 40 ms to ask, and memcheck 40 times that.
  const RsaPrivateKey& key() const { return *checked_; }
  const nlohmann::json& group() const { return group_; }
  Bytes Modulus() const {
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(key_, "n", &n);
    Bytes bytes(256);
    BN_bn2binpad(n, bytes.data(), 256);
    BN_free(n);
    return bytes;
  }

  // What an application does with the certificate's key. `digest` serves OAEP, `mask` MGF1.
  Bytes Wrap(ConstByteSpan payload, const EVP_MD* digest = EVP_sha512(),
             const EVP_MD* mask = EVP_sha512(), const Bytes& label = {}) const {
    return Encrypt(payload, [&](EVP_PKEY_CTX* context) {
      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
      EVP_PKEY_CTX_set_rsa_oaep_md(context, digest);
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, mask);
      if (!label.empty()) {
        void* copy = OPENSSL_memdup(label.data(), label.size());
        EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size()));
      }
    });
  }
  Bytes WrapPkcs1(ConstByteSpan payload) const {
    return Encrypt(payload, [](EVP_PKEY_CTX* context) {
      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
    });
  }

 private:
  template <typename Configure>
  Bytes Encrypt(ConstByteSpan payload, Configure configure) const {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key_, nullptr);
    EVP_PKEY_encrypt_init(context);
    configure(context);
    Bytes blob(256);
    size_t size = blob.size();
    const int done = EVP_PKEY_encrypt(context, blob.data(), &size, payload.data(), payload.size());
    EVP_PKEY_CTX_free(context);
    if (done != 1 || size != 256) throw std::runtime_error("the other party can't encrypt");
    return blob;
  }

  nlohmann::json group_;
  Bytes der_;
  EVP_PKEY* key_ = nullptr;
  std::optional<RsaPrivateKey> checked_;
};

// AES-128-ECB on one block, by libcrypto.
inline Block Ecb(const Block& key, const Block& in, bool encrypt) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Block out;
  int written = 0;
  EVP_CipherInit_ex2(context, EVP_aes_128_ecb(), key.data(), nullptr, encrypt ? 1 : 0, nullptr);
  EVP_CIPHER_CTX_set_padding(context, 0);
  EVP_CipherUpdate(context, out.data(), &written, in.data(), 16);
  EVP_CIPHER_CTX_free(context);
  return out;
}

struct Reply {
  uint32_t status;
  Bytes bytes;

  uint32_t Word(uint32_t offset) const { return LoadLe<uint32_t>(bytes.data() + offset); }
  Block BlockAt(uint32_t offset) const {
    Block block;
    std::memcpy(block.data(), bytes.data() + offset, 16);
    return block;
  }
};

struct SecurityBench {
  explicit SecurityBench(const PublishedIdentity& identity_of, LatencyPreset latency = {},
                         int failing_self_test = -1,
                         uint32_t slot_count = RegisterFile::ResetValue(abi::kRegKeySlotCount))
      : identity(identity_of),
        memory(ports.ports(), 1u << 20, 1u << 20),
        vault(slot_count),
        grants(firmware::kSessionCount),
        display(&memory, &grants, &ports.clock) {
    for (size_t i = 0; i < certificate.size(); ++i) certificate[i] = static_cast<uint8_t>(i * 7);
    GpuOptions options;
    options.latency = latency;
    options.failing_self_test = failing_self_test;
    options.identity_key = &identity.key();
    options.identity_certificates = certificate;
    auto created =
        SecurityProcessor::Create(options, ports.ports(), &vault, &grants, &memory, &display);
    if (!created.ok()) throw std::runtime_error(created.fault().reason);
    processor = std::move(created.value());
    processor->Boot();
  }

  void Submit(uint32_t number, const Bytes& payload, uint32_t context, uint32_t capacity = 4096) {
    processor->Submit(kQueue, context, number, payload, capacity);
  }
  // Sets the clock to the moment of the answer.
  Reply Take() {
    ports.clock.now_ns = processor->ReadyAtNs();
    const ConstByteSpan taken = processor->TakeResponse();
    const Bytes response(taken.begin(), taken.end());
    if (response.size() < 16) throw std::runtime_error("no response");
    return {LoadLe<uint32_t>(response.data()), response};
  }
  Reply Send(uint32_t number, const Bytes& payload, uint32_t context = 1,
             uint32_t capacity = 4096) {
    Submit(number, payload, context, capacity);
    return Take();
  }

  static Bytes Words(std::initializer_list<uint32_t> words) {
    Bytes payload;
    for (uint32_t word : words) {
      for (int i = 0; i < 4; ++i) payload.push_back(static_cast<uint8_t>(word >> (8 * i)));
    }
    return payload;
  }
  static Bytes Joined(Bytes first, ConstByteSpan second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }
  static Bytes CreatePayload() {
    return test::FromHex(
        "11d76b9b744fc9419e7b0be2d7d93b4f 00000000000000000000000000000000"
        "959894c12ad71d4a8e5ded857d171520");
  }
  static Bytes NegotiatePayload(uint32_t session, const Bytes& blob) {
    return Joined(Words({session, static_cast<uint32_t>(blob.size())}), blob);
  }

  uint32_t CreateSession(uint32_t context = 1) {
    const Reply reply = Send(abi::kMessageCreateSession, CreatePayload(), context);
    return reply.status == abi::kStatusOk ? reply.Word(16) : 0;
  }
  Reply NegotiateBlob(uint32_t session, const Bytes& blob, uint32_t context = 1) {
    return Send(abi::kMessageNegotiateSessionKey, NegotiatePayload(session, blob), context);
  }
  uint32_t Negotiate(uint32_t session, const Block& key, uint32_t context = 1) {
    return NegotiateBlob(session, identity.Wrap(key), context).status;
  }
  uint32_t SetContentKey(uint32_t session, const Block& wrapped, uint32_t context = 1) {
    return Send(abi::kMessageSetContentKey, Joined(Words({session, 16}), wrapped), context).status;
  }
  Reply GetReadbackKey(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageGetReadbackKey, Words({session, 0}), context);
  }
  Reply Query(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageQuerySession, Words({session, 0}), context);
  }
  uint32_t Destroy(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageDestroySession, Words({session, 0}), context).status;
  }

  const Grant& GrantOf(uint32_t session) { return grants.At(session & 0xffff); }
  // Whether the slot gives exactly this key to the session.
  bool Holds(uint32_t slot, uint32_t session, uint32_t usage, const Block& key) {
    auto released = vault.Release(slot, session, usage);
    return released.ok() &&
           std::memcmp(released.value()->Expose().data(), key.data(), key.size()) == 0;
  }
  uint64_t StateHash() const {
    StateHasher hasher;
    processor->Hash(&hasher);
    vault.Hash(&hasher);
    grants.Hash(&hasher);
    memory.Hash(&hasher);
    return hasher.value();
  }
  // A page of protected memory with content of a session.
  void PutPage(uint64_t page, uint32_t session) {
    memory.TakeOwnership(Page(page), session);
    const Bytes content(4096, 0xc7);
    if (!memory.Write(Page(page), content).ok()) throw std::runtime_error("page not written");
  }
  GuestRange Page(uint64_t page) const {
    GuestRange range;
    range.Append(memory.LocalSpan(abi::kProtectedVramLocalBase + page * 4096, 4096).value());
    return range;
  }
  bool PageIsZero(uint64_t page) const {
    Bytes content(4096, 1);
    return memory.Read(Page(page), content).ok() && content == Bytes(4096);
  }

  const PublishedIdentity& identity;
  fakes::FakePorts ports;
  Memory memory;
  KeyVault vault;
  GrantTable grants;
  Display display;
  Bytes certificate = Bytes(1500);
  std::unique_ptr<SecurityProcessor> processor;
};

inline constexpr Block kSessionKey = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
inline constexpr Block kOtherKey = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe,
                                    0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81};
inline constexpr Block kContentKey = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
// DDI 7.5: kContentKey under kSessionKey.
inline constexpr Block kWrappedContentKey = {0x50, 0xfe, 0x67, 0xcc, 0x99, 0x6d, 0x32, 0xb6,
                                             0xda, 0x09, 0x37, 0xe9, 0x9b, 0xaf, 0xec, 0x60};

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_SECURITY_BENCH_H_
