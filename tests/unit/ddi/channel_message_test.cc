// The messages' layout, proven by known answers: AES-CMAC over the bytes after the omac field gives
// the published value only when every field and all padding lie where the DDI puts them.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <memory>

#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/channel_messages.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {
namespace {

using Mac = std::array<BYTE, D3D_OMAC_SIZE>;

constexpr Mac kKey = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

template <typename Message>
Mac MacOfMessage(const Message& message) {
  BYTE bytes[sizeof(Message)];
  std::memcpy(bytes, &message, sizeof(bytes));
  std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> cmac(EVP_MAC_fetch(nullptr, "CMAC", nullptr),
                                                         EVP_MAC_free);
  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(cmac.get()),
                                                                    EVP_MAC_CTX_free);
  char cipher[] = "AES-128-CBC";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
      OSSL_PARAM_construct_end()};
  Mac mac = {};
  size_t length = 0;
  REQUIRE(EVP_MAC_init(context.get(), kKey.data(), kKey.size(), parameters) == 1);
  REQUIRE(EVP_MAC_update(context.get(), bytes + sizeof(D3D11_1DDI_OMAC),
                         sizeof(bytes) - sizeof(D3D11_1DDI_OMAC)) == 1);
  REQUIRE(EVP_MAC_final(context.get(), mac.data(), &length, mac.size()) == 1);
  REQUIRE(length == mac.size());
  return mac;
}

HANDLE TestChannel() {
  const UINT_PTR value = 0x1122334455667788;
  return reinterpret_cast<HANDLE>(value);
}

TEST_CASE("INITIALIZE with the published fields has the published MAC") {
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE command;
  std::memset(&command, 0, sizeof(command));
  command.Parameters.ConfigureType = D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID;
  command.Parameters.hChannel = TestChannel();
  command.StartSequenceQuery = 0x10000000;
  command.StartSequenceConfigure = 0x20000000;
  const Mac expected = {0xc4, 0x9b, 0x60, 0xd1, 0x47, 0xfa, 0xe3, 0x56,
                        0x50, 0x69, 0x98, 0x14, 0x50, 0x30, 0xe7, 0x22};
  CHECK(MacOfMessage(command) == expected);
}

TEST_CASE("the successful answer to INITIALIZE has the published MAC") {
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT output;
  std::memset(&output, 0, sizeof(output));
  output.ConfigureType = D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID;
  output.hChannel = TestChannel();
  output.ReturnCode = S_OK;
  const Mac expected = {0x75, 0x64, 0xa6, 0xc6, 0x98, 0x46, 0x37, 0xd3,
                        0x3a, 0x70, 0x2d, 0xc0, 0x01, 0x29, 0xe4, 0x39};
  CHECK(MacOfMessage(output) == expected);
}

}  // namespace
}  // namespace ward::umd
