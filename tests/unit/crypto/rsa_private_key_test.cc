#include "device/crypto/rsa_private_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/vector_file.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::device {
namespace {

using test::Bytes;
using test::FromHex;
using test::ToHex;

constexpr char kSha512File[] = "rsa_oaep_2048_sha512_mgf1sha512_test.json";
constexpr char kSha256File[] = "rsa_oaep_2048_sha256_mgf1sha256_test.json";
constexpr char kWrap[] =
    "openssl pkeyutl -encrypt -inkey key.pem -pkeyopt rsa_padding_mode:oaep"
    " -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha512";

nlohmann::json VectorGroup(const char* file) { return test::ReadVectorFile(file)["testGroups"][0]; }

RsaPrivateKey LoadVectorKey(const nlohmann::json& group) {
  const char* reason = nullptr;
  auto key = RsaPrivateKey::LoadDer(FromHex(group["privateKeyPkcs8"].get<std::string>()), &reason);
  REQUIRE(key.has_value());
  return std::move(*key);
}

// The published key as key.pem, for the openssl command.
RsaPrivateKey PlaceVectorKey(const test::Workspace& workspace) {
  const nlohmann::json group = VectorGroup(kSha512File);
  workspace.WriteText("key.pem", group["privateKeyPem"].get<std::string>());
  return LoadVectorKey(group);
}

Bytes Wrap(const test::Workspace& workspace, const Bytes& payload, const std::string& command) {
  workspace.Write("payload", payload);
  std::string output;
  const int code = workspace.Run(command + " -in payload -out blob", &output);
  INFO(output);
  REQUIRE(code == 0);
  return workspace.Read("blob");
}

AesKey MakeDirtyKey() {
  AesKey key;
  for (uint8_t& byte : key.Expose()) byte = 0xa5;
  return key;
}

// Nothing but the refusal: a zero key and an empty error queue.
void CheckRefused(const RsaPrivateKey& key, ConstByteSpan blob) {
  AesKey unwrapped = MakeDirtyKey();
  CHECK_FALSE(key.UnwrapKey(blob, &unwrapped));
  CHECK(unwrapped == AesKey());
  CHECK(ERR_peek_error() == 0);
}

void CheckVectorFile(const char* file, OaepHash hash, size_t max_message) {
  const nlohmann::json group = VectorGroup(file);
  const RsaPrivateKey key = LoadVectorKey(group);
  size_t cases = 0;
  for (const auto& test : group["tests"]) {
    INFO("tcId " << test["tcId"] << ' ' << test["comment"]);
    const Bytes blob = FromHex(test["ct"].get<std::string>());
    const Bytes expected = FromHex(test["msg"].get<std::string>());
    const Bytes label = FromHex(test["label"].get<std::string>());
    // Refused has to mean refused for any length, and accepted for no length but the right one.
    for (size_t size = 0; size <= max_message + 1; ++size) {
      const bool near = size <= 1 || size + 1 >= expected.size() || size >= max_message;
      if (!near || (size > expected.size() + 1 && size < max_message)) continue;
      Bytes message(size, 0xee);
      const bool right = test["result"] == "valid" && size == expected.size();
      CHECK(key.DecryptOaep({hash, label}, blob, message) == right);
      CHECK(message == (right ? expected : Bytes(size)));
      // A beginning is right for every length up to the message's own.
      Bytes beginning(size, 0xee);
      const bool begins = test["result"] == "valid" && size <= expected.size();
      CHECK(key.DecryptOaepBeginning({hash, label}, blob, beginning) == begins);
      CHECK(beginning == (begins ? Bytes(expected.begin(), expected.begin() + size) : Bytes(size)));
    }
    CHECK(ERR_peek_error() == 0);
    ++cases;
  }
  CHECK(cases == group["tests"].size());
  CHECK(cases > 30);
}

TEST_CASE("OAEP agrees with every Wycheproof case for SHA-512") {
  CheckVectorFile(kSha512File, OaepHash::kSha512, 126);
}

TEST_CASE("OAEP agrees with every Wycheproof case for SHA-256") {
  CheckVectorFile(kSha256File, OaepHash::kSha256, 190);
}

TEST_CASE("a session key wrapped by the openssl command is unwrapped, bit for bit") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  for (const char* text :
       {"2b7e151628aed2a6abf7158809cf4f3c", "00000000000000000000000000000000",
        "ffffffffffffffffffffffffffffffff", "01000000000000000000000000000001"}) {
    INFO(text);
    AesKey unwrapped = MakeDirtyKey();
    REQUIRE(key.UnwrapKey(Wrap(workspace, FromHex(text), kWrap), &unwrapped));
    CHECK(ToHex(unwrapped.Expose()) == text);
  }
}

TEST_CASE("a shared handle unwraps after the first one has gone") {
  const test::Workspace workspace;
  std::optional<RsaPrivateKey> first = PlaceVectorKey(workspace);
  const Bytes payload = FromHex("2b7e151628aed2a6abf7158809cf4f3c");
  const RsaPrivateKey second = first->Share();
  first.reset();
  AesKey unwrapped;
  REQUIRE(second.UnwrapKey(Wrap(workspace, payload, kWrap), &unwrapped));
  CHECK(ToHex(unwrapped.Expose()) == ToHex(payload));
}

TEST_CASE("payloads of any other length than 16 are refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  for (const size_t size : {0, 1, 15, 17, 32, 126}) {
    INFO("payload " << size);
    CheckRefused(key, Wrap(workspace, Bytes(size, 0x5a), kWrap));
  }
}

TEST_CASE("blobs of another hash, another mask hash, a label or another padding are refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  const Bytes payload = FromHex("2b7e151628aed2a6abf7158809cf4f3c");
  const std::string oaep = "openssl pkeyutl -encrypt -inkey key.pem -pkeyopt rsa_padding_mode:oaep";
  CheckRefused(key, Wrap(workspace, payload, oaep));  // SHA-1 for both
  CheckRefused(key, Wrap(workspace, payload, oaep + " -pkeyopt rsa_oaep_md:sha256"));
  CheckRefused(key, Wrap(workspace, payload,
                         oaep + " -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha1"));
  CheckRefused(key, Wrap(workspace, payload, std::string(kWrap) + " -pkeyopt rsa_oaep_label:00"));
  CheckRefused(key, Wrap(workspace, payload, "openssl pkeyutl -encrypt -inkey key.pem"));
}

TEST_CASE("a blob with any one bit flipped is refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  const Bytes blob = Wrap(workspace, FromHex("2b7e151628aed2a6abf7158809cf4f3c"), kWrap);
  for (size_t bit = 0; bit < blob.size() * 8; bit += 31) {
    INFO("bit " << bit);
    Bytes wrong = blob;
    wrong[bit / 8] = static_cast<uint8_t>(wrong[bit / 8] ^ (1U << (bit % 8)));
    CheckRefused(key, wrong);
  }
}

TEST_CASE("blobs of 0, 255, 257 and 512 bytes are refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  const Bytes blob = Wrap(workspace, FromHex("2b7e151628aed2a6abf7158809cf4f3c"), kWrap);
  for (const size_t size : {0, 255, 257, 512}) {
    INFO("size " << size);
    Bytes resized = blob;
    resized.resize(size);
    CheckRefused(key, resized);
  }
  Bytes led_by_zero = blob;
  led_by_zero.insert(led_by_zero.begin(), 0);
  CheckRefused(key, led_by_zero);
}

// A blob from libcrypto whose first byte is zero, as one in about two hundred is.
Bytes WrapWithLeadingZero(const std::string& key_pem, const Bytes& payload) {
  BIO* source = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
  REQUIRE(EVP_PKEY_encrypt_init(context) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha512()) == 1);
  Bytes blob(256);
  do {
    size_t size = blob.size();
    REQUIRE(EVP_PKEY_encrypt(context, blob.data(), &size, payload.data(), payload.size()) == 1);
  } while (blob[0] != 0);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(source);
  return blob;
}

TEST_CASE("a blob with a leading zero is accepted whole and refused without the zero") {
  const nlohmann::json group = VectorGroup(kSha512File);
  const RsaPrivateKey key = LoadVectorKey(group);
  const Bytes payload = FromHex("2b7e151628aed2a6abf7158809cf4f3c");
  Bytes blob = WrapWithLeadingZero(group["privateKeyPem"].get<std::string>(), payload);
  AesKey unwrapped;
  REQUIRE(key.UnwrapKey(blob, &unwrapped));
  CHECK(ToHex(unwrapped.Expose()) == ToHex(payload));
  blob.erase(blob.begin());
  CheckRefused(key, blob);
}

TEST_CASE("blobs whose value is n - 1, n, above n, 0 or 1 are refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  Bytes modulus = FromHex(VectorGroup(kSha512File)["privateKey"]["modulus"].get<std::string>());
  modulus.erase(modulus.begin());  // the sign byte
  REQUIRE(modulus.size() == 256);
  CheckRefused(key, modulus);
  Bytes below = modulus;
  below.back() = static_cast<uint8_t>(below.back() - 1);  // n is odd
  CheckRefused(key, below);
  CheckRefused(key, Bytes(256, 0xff));
  CheckRefused(key, Bytes(256));
  Bytes one(256);
  one.back() = 1;
  CheckRefused(key, one);
}

// 00 01 02 ... : each byte tells its place.
Bytes CountUp(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

OaepParameters MakeDirtyParameters() {
  OaepParameters parameters;
  parameters.key = MakeDirtyKey();
  for (uint8_t& byte : parameters.head) byte = 0xa5;
  for (uint8_t& byte : parameters.tail) byte = 0xa5;
  return parameters;
}

void CheckParametersRefused(const RsaPrivateKey& key, ConstByteSpan blob) {
  OaepParameters parameters = MakeDirtyParameters();
  CHECK_FALSE(key.UnwrapParameters(blob, &parameters));
  CHECK(parameters.key == AesKey());
  CHECK(Bytes(parameters.head, std::end(parameters.head)) == Bytes(16));
  CHECK(Bytes(parameters.tail, std::end(parameters.tail)) == Bytes(8));
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("parameters wrapped by the openssl command are unwrapped; more than 40 bytes are cut") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  for (const size_t size : {40, 41, 64, 125, 126}) {
    INFO("payload " << size);
    OaepParameters parameters = MakeDirtyParameters();
    REQUIRE(key.UnwrapParameters(Wrap(workspace, CountUp(size), kWrap), &parameters));
    CHECK(ToHex(parameters.head) == "000102030405060708090a0b0c0d0e0f");
    CHECK(ToHex(parameters.key.Expose()) == "101112131415161718191a1b1c1d1e1f");
    CHECK(ToHex(parameters.tail) == "2021222324252627");
  }
}

TEST_CASE("parameters may begin with zeros and ones, as padding does") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  for (const uint8_t fill : {0, 1, 0xff}) {
    OaepParameters parameters = MakeDirtyParameters();
    REQUIRE(key.UnwrapParameters(Wrap(workspace, Bytes(44, fill), kWrap), &parameters));
    CHECK(Bytes(parameters.head, std::end(parameters.head)) == Bytes(16, fill));
    CHECK(Bytes(parameters.tail, std::end(parameters.tail)) == Bytes(8, fill));
  }
}

TEST_CASE("parameters below 40 bytes, of another scheme or tampered with are refused") {
  const test::Workspace workspace;
  const RsaPrivateKey key = PlaceVectorKey(workspace);
  for (const size_t size : {0, 1, 16, 39}) {
    INFO("payload " << size);
    CheckParametersRefused(key, Wrap(workspace, CountUp(size), kWrap));
    CheckParametersRefused(key, Wrap(workspace, Bytes(size, 1), kWrap));
  }
  CheckParametersRefused(
      key, Wrap(workspace, CountUp(40), std::string(kWrap) + " -pkeyopt rsa_oaep_label:00"));
  CheckParametersRefused(key, Bytes(256));
  const Bytes blob = Wrap(workspace, CountUp(40), kWrap);
  for (size_t bit = 0; bit < blob.size() * 8; bit += 61) {
    INFO("bit " << bit);
    Bytes wrong = blob;
    wrong[bit / 8] = static_cast<uint8_t>(wrong[bit / 8] ^ (1U << (bit % 8)));
    CheckParametersRefused(key, wrong);
  }
  Bytes cut = blob;
  cut.pop_back();
  CheckParametersRefused(key, cut);
}

std::string ReasonFor(const test::Workspace& workspace, const std::string& command) {
  std::string output;
  const int code = workspace.Run(command, &output);
  INFO(output);
  REQUIRE(code == 0);
  const char* reason = nullptr;
  const bool loaded = RsaPrivateKey::LoadPem(workspace.Read("key.pem"), &reason).has_value();
  CHECK(ERR_peek_error() == 0);
  CHECK(loaded == (reason == nullptr));
  return reason == nullptr ? "accepted" : reason;
}

TEST_CASE("keys of the openssl command load by their kind, size and exponent") {
  const test::Workspace workspace;
  CHECK(ReasonFor(workspace, "openssl genrsa -out key.pem 2048") == "accepted");
  CHECK(ReasonFor(workspace, "openssl genrsa -traditional -out key.pem 2048") == "accepted");
  CHECK(ReasonFor(workspace, "openssl genrsa -3 -out key.pem 2048") ==
        "has a public exponent that is even or below 65537");
  CHECK(ReasonFor(workspace, "openssl genrsa -out key.pem 1024") == "is not 2048 bits long");
  CHECK(ReasonFor(workspace, "openssl genrsa -out key.pem 3072") == "is not 2048 bits long");
  CHECK(ReasonFor(workspace, "openssl ecparam -genkey -name prime256v1 -noout -out key.pem") ==
        "is not an RSA key");
  CHECK(ReasonFor(workspace, "openssl genrsa -aes128 -passout pass:secret -out key.pem 2048") ==
        "is not an unencrypted private key");
  CHECK(ReasonFor(workspace, "openssl genrsa 2048 | openssl rsa -pubout -out key.pem") ==
        "is not an unencrypted private key");
  CHECK(ReasonFor(workspace, "echo nonsense >key.pem") == "is not an unencrypted private key");
  CHECK(ReasonFor(workspace, ": >key.pem") == "is not an unencrypted private key");
}

TEST_CASE("a key with a changed number is damaged") {
  const nlohmann::json group = VectorGroup(kSha512File);
  const Bytes der = FromHex(group["privateKeyPkcs8"].get<std::string>());
  const std::string d_text = group["privateKey"]["privateExponent"];
  const std::string p_text = group["privateKey"]["prime1"];
  for (const std::string& number : {d_text, p_text}) {
    const Bytes bytes = FromHex(number);
    Bytes wrong = der;
    const auto at = std::search(wrong.begin(), wrong.end(), bytes.begin(), bytes.end());
    REQUIRE(at != wrong.end());
    at[static_cast<ptrdiff_t>(bytes.size() - 5)] ^= 0x10;
    const char* reason = nullptr;
    CHECK_FALSE(RsaPrivateKey::LoadDer(wrong, &reason).has_value());
    CHECK(std::string(reason) == "is damaged: its numbers do not form a pair");
  }
}

TEST_CASE("DER with bytes missing or left over is not a key") {
  Bytes der = FromHex(VectorGroup(kSha512File)["privateKeyPkcs8"].get<std::string>());
  const char* reason = nullptr;
  CHECK_FALSE(RsaPrivateKey::LoadDer(ConstByteSpan(der).first(der.size() - 1), &reason));
  der.push_back(0);
  CHECK_FALSE(RsaPrivateKey::LoadDer(der, &reason));
  CHECK_FALSE(RsaPrivateKey::LoadDer({}, &reason));
}

}  // namespace
}  // namespace ward::device
