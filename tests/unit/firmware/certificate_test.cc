#include "firmware/certificate.h"

#include <numeric>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {
namespace {

struct CertifiedFirmware : BootedFirmware {
  CertifiedFirmware() {
    platform.certificate.resize(1000);
    std::iota(platform.certificate.begin(), platform.certificate.end(), uint8_t{1});
  }
  Reply Get(uint32_t offset, uint32_t capacity, uint32_t response_capacity = 4096) {
    return Send(abi::kMessageGetCertificate, Request(2, 0, kAesGuid, offset, capacity), 1,
                response_capacity);
  }
  static Payload Request(uint32_t type, uint32_t channel, const Block& crypto, uint32_t offset,
                         uint32_t capacity) {
    Payload payload = Words({type, channel});
    payload.insert(payload.end(), crypto.begin(), crypto.end());
    const Payload range = Words({offset, capacity});
    payload.insert(payload.end(), range.begin(), range.end());
    return payload;
  }
};

TEST_CASE("GET_CERTIFICATE with capacity 0 tells the size alone") {
  CertifiedFirmware firmware;
  const Reply reply = firmware.Get(0, 0, 32);
  REQUIRE(reply.status == abi::kStatusOk);
  CHECK(reply.bytes.size() == 32);
  CHECK(reply.Word(16) == 1000);
  CHECK(reply.Word(20) == 0);
}

TEST_CASE("parts of the chain, put together, are the chain") {
  CertifiedFirmware firmware;
  std::vector<uint8_t> chain;
  for (uint32_t part = 0; part < 4; ++part) {
    const Reply reply = firmware.Get(static_cast<uint32_t>(chain.size()), 300, 332);
    REQUIRE(reply.status == abi::kStatusOk);
    CHECK(reply.Word(20) == (part < 3 ? 300 : 100));
    REQUIRE(reply.bytes.size() == 32 + reply.Word(20));
    chain.insert(chain.end(), reply.bytes.begin() + 32, reply.bytes.end());
  }
  CHECK(chain == firmware.platform.certificate);
  CHECK(firmware.Get(1000, 300).Word(20) == 0);
}

TEST_CASE("an offset beyond the chain answers OPERAND_INVALID") {
  CertifiedFirmware firmware;
  CHECK(firmware.Get(1001, 1).status == abi::kStatusOperandInvalid);
  CHECK(firmware.Get(0xffffffff, 0xffffffff).status == abi::kStatusOperandInvalid);
}

TEST_CASE("a chunk that the response buffer can't hold answers RESPONSE_TOO_SMALL") {
  CertifiedFirmware firmware;
  CHECK(firmware.Get(0, 300, 331).status == abi::kStatusResponseTooSmall);
  CHECK(firmware.Get(0, 0xffffffff, 1031).status == abi::kStatusResponseTooSmall);
  CHECK(firmware.Get(0, 0xffffffff, 1032).status == abi::kStatusOk);
}

TEST_CASE("a certificate of another type, channel or crypto type is unavailable") {
  CertifiedFirmware firmware;
  const auto status = [&](uint32_t type, uint32_t channel, const Block& crypto) {
    return firmware
        .Send(abi::kMessageGetCertificate, CertifiedFirmware::Request(type, channel, crypto, 0, 0))
        .status;
  };
  CHECK(status(2, 0, kAesGuid) == abi::kStatusOk);
  CHECK(status(1, 2, {}) == abi::kStatusOk);
  CHECK(status(1, 3, {}) == abi::kStatusOk);
  CHECK(status(1, 1, {}) == abi::kStatusCertificateUnavailable);
  CHECK(status(1, 4, {}) == abi::kStatusCertificateUnavailable);
  CHECK(status(1, 2, kAesGuid) == abi::kStatusCertificateUnavailable);
  CHECK(status(0, 0, kAesGuid) == abi::kStatusCertificateUnavailable);
  CHECK(status(3, 0, kAesGuid) == abi::kStatusCertificateUnavailable);
  CHECK(status(2, 1, kAesGuid) == abi::kStatusCertificateUnavailable);
  CHECK(status(2, 0, kOaepGuid) == abi::kStatusCertificateUnavailable);
}

}  // namespace
}  // namespace ward::firmware
