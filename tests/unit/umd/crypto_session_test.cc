// Crypto sessions: life, key exchange, encrypted copies.
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "tests/unit/umd/session_fixture.h"

namespace ward::umd {
namespace {

using Place = FakeKernel::Place;

TEST_CASE("CreateCryptoSession sends the GUIDs in Windows memory order") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  REQUIRE(session.result == S_OK);
  const std::vector<FakeKernel::Message> sent = driver.MessagesOf(abi::kMessageCreateSession);
  REQUIRE(sent.size() == 1);
  REQUIRE(sent[0].payload.size() == 48);
  const std::vector<uint8_t> aes_ctr = {0x11, 0xD7, 0x6B, 0x9B, 0x74, 0x4F, 0xC9, 0x41,
                                        0x9E, 0x7B, 0x0B, 0xE2, 0xD7, 0xD9, 0x3B, 0x4F};
  CHECK(std::equal(aes_ctr.begin(), aes_ctr.end(), sent[0].payload.begin()));
  CHECK(sent[0].payload[32] == 0x95);
  CHECK(sent[0].payload[47] == 0x20);
  driver.RequireClean();
}

TEST_CASE("CreateCryptoSession answers the HRESULT of the device's status") {
  SessionDriver driver;
  const std::pair<uint32_t, uint32_t> cases[] = {{abi::kStatusCryptoTypeUnsupported, 0x8876086A},
                                                 {abi::kStatusProfileUnsupported, 0x8876087E},
                                                 {abi::kStatusKeyExchangeUnsupported, 0x8876087E},
                                                 {abi::kStatusSessionsExhausted, 0x8007000E},
                                                 {0x7777, 0x80004005}};
  for (const auto& [status, hresult] : cases) {
    driver.status = status;
    CHECK(CreatedSession(&driver.device).result == static_cast<HRESULT>(hresult));
  }
  CHECK(driver.MessagesOf(abi::kMessageDestroySession).empty());
}

TEST_CASE("CreateCryptoSession refuses null arguments without asking the device") {
  SessionDriver driver;
  const D3D11_1DDIARG_CREATECRYPTOSESSION create = {};
  const auto function = driver.device.video.pfnCreateCryptoSession;
  int memory = 0;
  CHECK(function(driver.device.handle, nullptr, {&memory}, {}) == E_INVALIDARG);
  CHECK(function(driver.device.handle, &create, {nullptr}, {}) == E_INVALIDARG);
  CHECK(function({nullptr}, &create, {&memory}, {}) == E_INVALIDARG);
  CHECK(driver.kernel.messages.empty());
}

TEST_CASE("a message that is not answered removes the device") {
  SessionDriver driver;
  driver.kernel.answer = nullptr;
  CHECK(CreatedSession(&driver.device).result == D3DDDIERR_DEVICEREMOVED);
  CHECK(driver.device.driver().kernel().removed());
}

TEST_CASE("a message is not sent when its answer could not be told from an older one") {
  SessionDriver driver;
  driver.kernel.lock_result = E_INVALIDARG;
  CHECK(CreatedSession(&driver.device).result == E_INVALIDARG);
  driver.kernel.lock_result = S_OK;
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.messages.empty());
}

TEST_CASE("an answer that breaks the contract removes the device") {
  const std::function<void(abi::ResponseHeader*)> spoilers[] = {
      [](abi::ResponseHeader* header) { header->message = abi::kMessageDestroySession; },
      [](abi::ResponseHeader* header) { header->length_bytes = 15; },
      [](abi::ResponseHeader* header) { header->length_bytes = 31; },  // OK, without the session
      [](abi::ResponseHeader* header) { header->length_bytes = 4097; },
      [](abi::ResponseHeader* header) { header->length_bytes = 0xFFFFFFFF; },
  };
  for (const auto& spoil : spoilers) {
    SessionDriver driver;
    driver.kernel.spoil_header = spoil;
    CHECK(CreatedSession(&driver.device).result == D3DDDIERR_DEVICEREMOVED);
  }
}

TEST_CASE("DestroyCryptoSession ends the device's session and the handle") {
  SessionDriver driver;
  CreatedSession session(&driver.device);
  const D3D11_1DDI_HCRYPTOSESSION stale = session.handle;
  session.Destroy();
  const std::vector<FakeKernel::Message> sent = driver.MessagesOf(abi::kMessageDestroySession);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload == std::vector<uint8_t>{SessionDriver::kFirstSession, 0, 0, 0, 0, 0, 0, 0});
  uint8_t blob[256] = {};
  CHECK(driver.device.video.pfnNegotiateCryptoSessionKeyExchange(driver.device.handle, stale, 256,
                                                                 blob) == E_INVALIDARG);
  driver.device.video.pfnDestroyCryptoSession(driver.device.handle, stale);
  CHECK(driver.MessagesOf(abi::kMessageDestroySession).size() == 1);
  driver.RequireClean();
}

TEST_CASE("CryptoSessionGetHandle answers the device's handle, each time") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const size_t before = driver.kernel.messages.size();
  for (int i = 0; i < 2; ++i) {
    HANDLE handle = nullptr;
    REQUIRE(driver.device.video.pfnCryptoSessionGetHandle(driver.device.handle, session.handle,
                                                          &handle) == S_OK);
    CHECK(reinterpret_cast<UINT_PTR>(handle) == SessionDriver::kSessionHandle);
  }
  CHECK(driver.device.video.pfnCryptoSessionGetHandle(driver.device.handle, session.handle,
                                                      nullptr) == E_INVALIDARG);
  CHECK(driver.kernel.messages.size() == before);
}

TEST_CASE("another device's calls on a session fail or do nothing") {
  SessionDriver driver;
  OpenedDevice other(&driver.kernel, driver.adapter);
  const CreatedSession session(&driver.device);
  const size_t before = driver.kernel.messages.size();
  const uint32_t events = other.events();
  uint8_t blob[256] = {};
  CHECK(other.video.pfnNegotiateCryptoSessionKeyExchange(other.handle, session.handle, 256, blob) ==
        E_INVALIDARG);
  HANDLE handle = &driver;
  CHECK(other.video.pfnCryptoSessionGetHandle(other.handle, session.handle, &handle) ==
        E_INVALIDARG);
  CHECK(handle == nullptr);
  uint8_t key[16] = {1, 2, 3};
  other.video.pfnGetEncryptionBltKey(other.handle, session.handle, sizeof(key), key);
  CHECK(key[0] == 0);
  other.video.pfnDestroyCryptoSession(other.handle, session.handle);
  CHECK(driver.kernel.messages.size() == before);
  CHECK(other.events() == events + 4);
  CHECK(driver.device.video.pfnNegotiateCryptoSessionKeyExchange(
            driver.device.handle, session.handle, 256, blob) == S_OK);
}

TEST_CASE("the key exchange forwards any size up to 4096 and the device's answer") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  std::vector<uint8_t> blob(4097);
  for (size_t i = 0; i < blob.size(); ++i) blob[i] = static_cast<uint8_t>(i * 7 + 1);
  const auto negotiate = [&](UINT size, BYTE* data) {
    return driver.device.video.pfnNegotiateCryptoSessionKeyExchange(driver.device.handle,
                                                                    session.handle, size, data);
  };
  for (const UINT size : {0u, 1u, 255u, 256u, 257u, 4096u}) {
    driver.status = size == 256 ? 0 : abi::kStatusKeyExchangeFailed;
    CHECK(negotiate(size, blob.data()) == (size == 256 ? S_OK : E_INVALIDARG));
    const FakeKernel::Message sent = driver.kernel.messages.back();
    CHECK(sent.number == abi::kMessageNegotiateSessionKey);
    REQUIRE(sent.payload.size() == 8 + size);
    CHECK(sent.payload[0] == SessionDriver::kFirstSession);
    CHECK(sent.payload[4] + 256 * sent.payload[5] == static_cast<int>(size));
    CHECK(std::equal(sent.payload.begin() + 8, sent.payload.end(), blob.begin()));
  }
  // What can't be sent is asked for all the same, empty: it fails like the others, and as late.
  const size_t before = driver.kernel.messages.size();
  driver.status = abi::kStatusKeyExchangeFailed;
  CHECK(negotiate(4097, blob.data()) == E_INVALIDARG);
  CHECK(negotiate(256, nullptr) == E_INVALIDARG);
  REQUIRE(driver.kernel.messages.size() == before + 2);
  for (size_t i = before; i < before + 2; ++i) {
    const std::vector<uint8_t> empty = {SessionDriver::kFirstSession, 0, 0, 0, 0, 0, 0, 0};
    CHECK(driver.kernel.messages[i].number == abi::kMessageNegotiateSessionKey);
    CHECK(driver.kernel.messages[i].payload == empty);
  }
  driver.status = 0;
  driver.RequireClean();
}

TEST_CASE("DecryptionBlt writes DECRYPT_BLT with the caller's counter block") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  driver.Decrypt(session, pair.staging, pair.restricted);
  CHECK(driver.kernel.Find("DECRYPT_BLT").empty());
  driver.Flush();
  const std::vector<FakeKernel::Command> found = driver.kernel.Find("DECRYPT_BLT");
  REQUIRE(found.size() == 1);
  const auto blt = found[0].As<abi::DecryptBltCommand>();
  CHECK(blt.flags == 0);
  CHECK(blt.session == SessionDriver::kFirstSession);
  CHECK(blt.length_bytes == BltPair::kBytes);
  CHECK(std::memcmp(blt.iv, SessionDriver::kIv, 16) == 0);
  CHECK(found[0].addresses.at(16) == Place{pair.restricted.AllocationOf(driver.kernel), 0, true});
  CHECK(found[0].addresses.at(24) == Place{pair.staging.AllocationOf(driver.kernel), 0, false});
  driver.RequireClean();
}

TEST_CASE("Flush asks what the device refused, once, and only when there were blts") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const CreatedSession idle(&driver.device);
  const BltPair pair(&driver);
  const auto asked = [&] { return driver.MessagesOf(abi::kMessageQuerySession).size(); };
  const size_t before = driver.kernel.messages.size();
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.messages.size() == before);
  driver.Decrypt(session, pair.staging, pair.restricted);
  CHECK(asked() == 0);
  CHECK(driver.Flush());
  CHECK(asked() == 1);
  CHECK_FALSE(driver.Flush());
  CHECK(asked() == 1);
  driver.RequireClean();
}

TEST_CASE("a session is not made in the memory of another one that lives") {
  SessionDriver driver;
  CreatedSession session(&driver.device);
  const size_t before = driver.kernel.messages.size();
  const D3D11_1DDIARG_CREATECRYPTOSESSION create = {D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, kNullGuid,
                                                    D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP};
  CHECK(driver.device.video.pfnCreateCryptoSession(driver.device.handle, &create, session.handle,
                                                   {}) == E_INVALIDARG);
  CHECK(driver.kernel.messages.size() == before);
  session.Destroy();
  driver.RequireClean();
}

TEST_CASE("DecryptionBlt hands the pattern on as it is") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO pattern = {100, 20, 2};  // the device judges it (R10)
  driver.Decrypt(session, pair.staging, pair.restricted, &pattern);
  driver.Flush();
  const auto blt = driver.kernel.Find("DECRYPT_BLT").at(0).As<abi::DecryptBltCommand>();
  CHECK(blt.flags == abi::DecryptBltCommand::kFlagPattern);
  CHECK(blt.encrypted_bytes_at_beginning == 100);
  CHECK(blt.skip_bytes == 20);
  CHECK(blt.encrypt_bytes == 2);
}

TEST_CASE(
    "a content key is sent before its blt, and again only when it or the session key changed") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  const std::vector<uint8_t> first(16, 0x11);
  const std::vector<uint8_t> second(16, 0x22);
  const auto sent = [&] { return driver.MessagesOf(abi::kMessageSetContentKey).size(); };
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, first);
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, first);
  CHECK(sent() == 1);
  const FakeKernel::Message message = driver.MessagesOf(abi::kMessageSetContentKey)[0];
  REQUIRE(message.payload.size() == 24);
  CHECK(message.payload[4] == 16);
  CHECK(std::equal(first.begin(), first.end(), message.payload.begin() + 8));
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, second);
  CHECK(sent() == 2);
  driver.Decrypt(session, pair.staging, pair.restricted);  // the session key
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, second);
  CHECK(sent() == 2);
  uint8_t blob[256] = {};
  REQUIRE(driver.device.video.pfnNegotiateCryptoSessionKeyExchange(
              driver.device.handle, session.handle, sizeof(blob), blob) == S_OK);
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, second);
  CHECK(sent() == 3);
  driver.Flush();

  std::vector<uint16_t> flags;
  for (const FakeKernel::Command& blt : driver.kernel.Find("DECRYPT_BLT")) {
    flags.push_back(blt.As<abi::DecryptBltCommand>().flags);
  }
  CHECK(flags == std::vector<uint16_t>{1, 1, 1, 0, 1, 1});
  CHECK(driver.kernel.commands[1].name == "SECURITY_MESSAGE");  // behind CREATE_SESSION
  CHECK(driver.kernel.commands[2].name == "DECRYPT_BLT");
  driver.RequireClean();
}

TEST_CASE("a content key that the device refuses stops its blt and is sent again") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  const std::vector<uint8_t> key(16, 0x11);
  driver.status = abi::kStatusSessionNoKey;
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, key);
  driver.status = 0;
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.errors.empty());
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, key);
  CHECK(driver.MessagesOf(abi::kMessageSetContentKey).size() == 2);
  CHECK(driver.Flush());
}

TEST_CASE("DecryptionBlt does nothing for what it must refuse") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  constexpr D3D10DDI_MIPINFO longer = Extent(BltPair::kBytes + 16);
  const CreatedResource other_size(
      &driver.device,
      DescribeBuffer(longer, D3D10_DDI_USAGE_DEFAULT, D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT));
  const CreatedResource plain(&driver.device, DescribeBuffer(BltPair::kMip, 0));
  const size_t messages = driver.kernel.messages.size();
  const uint32_t before = driver.device.events();
  const auto decrypt = driver.device.video.pfnDecryptionBlt;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  const D3D10DDI_HRESOURCE from = pair.staging.handle;
  const D3D10DDI_HRESOURCE to = pair.restricted.handle;
  const uint8_t* iv = SessionDriver::kIv;
  decrypt(device, session.handle, from, plain.handle, nullptr, 0, nullptr, 16, iv);  // R27
  decrypt(device, session.handle, from, pair.staging.handle, nullptr, 0, nullptr, 16, iv);
  decrypt(device, session.handle, from, other_size.handle, nullptr, 0, nullptr, 16, iv);  // R11
  decrypt(device, session.handle, from, to, nullptr, 0, nullptr, 16, nullptr);            // R20
  decrypt(device, session.handle, from, to, nullptr, 0, nullptr, 8, iv);
  decrypt(device, session.handle, from, to, nullptr, 15, iv, 16, iv);
  decrypt(device, session.handle, {nullptr}, to, nullptr, 0, nullptr, 16, iv);
  decrypt(device, session.handle, from, {nullptr}, nullptr, 0, nullptr, 16, iv);
  decrypt(device, {nullptr}, from, to, nullptr, 0, nullptr, 16, iv);
  decrypt(device, {from.pDrvPrivate}, from, to, nullptr, 0, nullptr, 16, iv);
  CHECK(driver.device.events() == before + 10);
  decrypt({nullptr}, session.handle, from, to, nullptr, 0, nullptr, 16, iv);
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.messages.size() == messages);
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("EncryptionBlt hands back the counter block that the device chose") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  driver.kernel.read_back_iv = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0};
  std::vector<uint8_t> iv(20, 0xEE);
  driver.device.video.pfnEncryptionBlt(driver.device.handle, session.handle, pair.restricted.handle,
                                       pair.staging.handle, 20, iv.data());
  CHECK(std::equal(iv.begin(), iv.begin() + 16, driver.kernel.read_back_iv.begin()));
  const std::vector<FakeKernel::Command> found = driver.kernel.Find("ENCRYPT_BLT");
  REQUIRE(found.size() == 1);
  const auto blt = found[0].As<abi::EncryptBltCommand>();
  CHECK(blt.session == SessionDriver::kFirstSession);
  CHECK(blt.length_bytes == BltPair::kBytes);
  CHECK(found[0].addresses.at(16) == Place{pair.staging.AllocationOf(driver.kernel), 0, true});
  CHECK(found[0].addresses.at(24) == Place{pair.restricted.AllocationOf(driver.kernel), 0, false});
  CHECK(driver.kernel.allocations.at(found[0].addresses.at(32).allocation).data.segment == 0);
  driver.RequireClean();
}

TEST_CASE("an EncryptionBlt that the device refused gives a zero IV, not an earlier one") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  driver.kernel.read_back_iv.assign(16, 0x77);
  std::vector<uint8_t> iv(16);
  const auto encrypt = [&] {
    driver.device.video.pfnEncryptionBlt(driver.device.handle, session.handle,
                                         pair.restricted.handle, pair.staging.handle, 16,
                                         iv.data());
  };
  encrypt();
  CHECK(iv == std::vector<uint8_t>(16, 0x77));
  driver.kernel.read_back_iv.clear();
  encrypt();
  CHECK(iv == std::vector<uint8_t>(16, 0));
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("EncryptionBlt does nothing for what it must refuse, and zeroes the IV") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  const CreatedResource plain(&driver.device, DescribeBuffer(BltPair::kMip, 0));
  constexpr D3D10DDI_MIPINFO shorter = Extent(BltPair::kBytes - 16);
  const CreatedResource other_size(&driver.device,
                                   DescribeBuffer(shorter, D3D10_DDI_USAGE_STAGING));
  const auto encrypt = [&](D3D10DDI_HRESOURCE from, D3D10DDI_HRESOURCE to, UINT iv_size) {
    std::vector<uint8_t> iv(16, 0xEE);
    const uint32_t before = driver.device.events();
    driver.device.video.pfnEncryptionBlt(driver.device.handle, session.handle, from, to, iv_size,
                                         iv.data());
    CHECK(driver.device.events() == before + 1);
    CHECK(iv[0] == 0);
    CHECK(iv[iv_size - 1] == 0);
    if (iv_size < 16) CHECK(iv[iv_size] == 0xEE);
  };
  encrypt(pair.restricted.handle, plain.handle, 16);         // R28
  encrypt(pair.staging.handle, pair.restricted.handle, 16);  // R28
  encrypt(pair.restricted.handle, other_size.handle, 16);    // R11
  encrypt(pair.staging.handle, pair.staging.handle, 16);
  encrypt(pair.restricted.handle, pair.staging.handle, 15);  // R19
  encrypt(pair.restricted.handle, {nullptr}, 16);
  driver.device.video.pfnEncryptionBlt(driver.device.handle, session.handle, pair.restricted.handle,
                                       pair.staging.handle, 16, nullptr);
  CHECK_FALSE(driver.Flush());
  CHECK(driver.kernel.Find("ENCRYPT_BLT").empty());
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("GetEncryptionBltKey gives the wrapped key, or zeros") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  std::vector<uint8_t> key(32, 0xEE);
  const auto get = [&](UINT size) {
    driver.device.video.pfnGetEncryptionBltKey(driver.device.handle, session.handle, size,
                                               key.data());
  };
  get(16);
  CHECK(std::vector<uint8_t>(key.begin(), key.begin() + 16) ==
        std::vector<uint8_t>(16, SessionDriver::kWrappedKeyByte));
  CHECK(key[16] == 0xEE);
  driver.status = abi::kStatusSessionNoKey;
  get(16);
  CHECK(std::vector<uint8_t>(key.begin(), key.begin() + 16) == std::vector<uint8_t>(16, 0));
  driver.status = 0;
  const size_t before = driver.kernel.messages.size();
  key.assign(32, 0xEE);
  get(32);
  CHECK(key == std::vector<uint8_t>(32, 0));
  key.assign(32, 0xEE);
  get(15);
  CHECK(key[14] == 0);
  CHECK(key[15] == 0xEE);
  CHECK(driver.kernel.messages.size() == before);
  CHECK(driver.kernel.errors.empty());
}

TEST_CASE("StartSessionKeyRefresh gives the device's number, or zeros") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  std::vector<uint8_t> random(32, 0xEE);
  const auto start = [&](UINT size) {
    random.assign(32, 0xEE);
    driver.device.video.pfnStartSessionKeyRefresh(driver.device.handle, session.handle, size,
                                                  random.data());
  };
  start(16);
  std::vector<uint8_t> expected(16, SessionDriver::kRandomByte);
  expected.resize(32, 0xEE);
  CHECK(random == expected);
  const std::vector<FakeKernel::Message> sent = driver.MessagesOf(abi::kMessageStartKeyRefresh);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload ==
        std::vector<uint8_t>{SessionDriver::kFirstSession, 0, 0, 0, 16, 0, 0, 0});

  driver.status = abi::kStatusSessionNoKey;
  start(16);
  expected.assign(16, 0);
  expected.resize(32, 0xEE);
  CHECK(random == expected);
  CHECK(driver.kernel.errors.empty());
  driver.RequireClean();
}

TEST_CASE("a refresh number of another size than 16 is zeroed and nothing is saved") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  for (const UINT size : {0u, 1u, 15u, 17u, 32u}) {
    std::vector<uint8_t> random(40, 0xEE);
    const uint32_t before = driver.device.events();
    driver.device.video.pfnStartSessionKeyRefresh(driver.device.handle, session.handle, size,
                                                  random.data());
    std::vector<uint8_t> expected(size, 0);
    expected.resize(40, 0xEE);
    CHECK(random == expected);
    CHECK(driver.device.events() == before + 1);
  }
  driver.device.video.pfnStartSessionKeyRefresh(driver.device.handle, session.handle, 16, nullptr);
  CHECK(driver.MessagesOf(abi::kMessageStartKeyRefresh).empty());
}

TEST_CASE("FinishSessionKeyRefresh is a command behind the queued blts and before the next") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  driver.Decrypt(session, pair.staging, pair.restricted);
  driver.device.video.pfnFinishSessionKeyRefresh(driver.device.handle, session.handle);
  driver.Decrypt(session, pair.staging, pair.restricted);
  REQUIRE(driver.Flush());
  std::vector<std::string> order;
  for (const FakeKernel::Command& command : driver.kernel.commands) order.push_back(command.name);
  // The last message is Flush's: what did the device refuse?
  CHECK(order == std::vector<std::string>{"SECURITY_MESSAGE", "DECRYPT_BLT", "SECURITY_MESSAGE",
                                          "DECRYPT_BLT", "SECURITY_MESSAGE"});
  const std::vector<FakeKernel::Message> sent = driver.MessagesOf(abi::kMessageFinishKeyRefresh);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload == std::vector<uint8_t>{SessionDriver::kFirstSession, 0, 0, 0, 0, 0, 0, 0});
  driver.RequireClean();
}

TEST_CASE("a content key is sent again after a key refresh") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  const BltPair pair(&driver);
  const std::vector<uint8_t> wrapped(16, 0x5A);
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, wrapped);
  driver.Decrypt(session, pair.staging, pair.restricted, nullptr, wrapped);
  CHECK(driver.MessagesOf(abi::kMessageSetContentKey).size() == 1);
  const auto finish = [&] {
    driver.device.video.pfnFinishSessionKeyRefresh(driver.device.handle, session.handle);
    driver.Decrypt(session, pair.staging, pair.restricted, nullptr, wrapped);
    return driver.MessagesOf(abi::kMessageSetContentKey).size();
  };
  CHECK(finish() == 1);  // without a refresh it changes nothing (7.7)
  uint8_t random[16] = {};
  driver.device.video.pfnStartSessionKeyRefresh(driver.device.handle, session.handle,
                                                sizeof(random), random);
  CHECK(finish() == 2);
  CHECK(finish() == 2);
}

TEST_CASE("another device's key refresh does nothing") {
  SessionDriver driver;
  OpenedDevice other(&driver.kernel, driver.adapter);
  const CreatedSession session(&driver.device);
  const size_t before = driver.kernel.messages.size();
  uint8_t random[16] = {1, 2, 3};
  other.video.pfnStartSessionKeyRefresh(other.handle, session.handle, sizeof(random), random);
  CHECK(random[0] == 0);
  other.video.pfnFinishSessionKeyRefresh(other.handle, session.handle);
  CHECK(driver.kernel.messages.size() == before);
  CHECK(other.events() == 2);
}

TEST_CASE("VOID functions report only memory and removal") {
  SessionDriver driver;
  const CreatedSession session(&driver.device);
  uint8_t key[16];
  const auto get = [&] {
    driver.device.video.pfnGetEncryptionBltKey(driver.device.handle, session.handle, 16, key);
  };
  driver.status = abi::kStatusSessionInvalid;
  get();
  CHECK(driver.kernel.errors.empty());
  driver.status = abi::kStatusSessionsExhausted;
  get();
  CHECK(driver.kernel.errors == std::vector<HRESULT>{E_OUTOFMEMORY});
  driver.kernel.lock_result = D3DDDIERR_DEVICEREMOVED;
  get();
  CHECK(driver.kernel.errors.back() == D3DDDIERR_DEVICEREMOVED);
}

}  // namespace
}  // namespace ward::umd
