// One stream socket: messages in pieces of every length, descriptors, peers that go or do not read.
#include "emulator/vfio_user/message_stream.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/wire_client.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using emulator::Message;
using emulator::MessageStream;
using Input = MessageStream::Input;

struct Pair {
  Pair() {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) throw errno;
    peer = std::make_unique<WireClient>(FileDescriptor(sockets[0]));
    stream = std::make_unique<MessageStream>(FileDescriptor(sockets[1]));
  }
  Input Read() { return stream->Read(&message); }

  std::unique_ptr<WireClient> peer;
  std::unique_ptr<MessageStream> stream;
  Message message;
};

WireBytes Request(uint32_t body_bytes, uint16_t id = 9) {
  WireBytes body(body_bytes);
  for (uint32_t i = 0; i < body_bytes; ++i) body[i] = static_cast<uint8_t>(i * 13 + id);
  return WireClient::Encode(
      {id, wire::Command::kRegionWrite, 16 + body_bytes, wire::kTypeRequest, 0}, body);
}

int OpenDescriptors() {
  int count = 0;
  for (int i = 0; i < 1024; ++i) count += fcntl(i, F_GETFD) >= 0;
  return count;
}

TEST_CASE("a message arrives whole, wherever it is cut in two") {
  const WireBytes bytes = Request(40);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    Pair pair;
    pair.peer->SendBytes(ConstByteSpan(bytes).first(cut));
    if (cut < bytes.size()) {
      CHECK(pair.Read() == Input::kNothing);
      pair.peer->SendBytes(ConstByteSpan(bytes).subspan(cut));
    }
    REQUIRE(pair.Read() == Input::kMessage);
    CHECK(WireClient::Encode(pair.message.header, pair.message.body) == bytes);
    CHECK(pair.Read() == Input::kNothing);
  }
}

TEST_CASE("P14_ half a message and then nothing is a broken stream, at every length") {
  const WireBytes bytes = Request(40);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    Pair pair;
    pair.peer->SendBytes(ConstByteSpan(bytes).first(cut));
    pair.peer->Close();
    CHECK(pair.Read() == (cut == 0 ? Input::kEnd : Input::kBroken));
    CHECK(pair.stream->IsBroken() == (cut != 0));
    if (cut != 0) CHECK(pair.Read() == Input::kBroken);
  }
}

TEST_CASE("P14_ sizes that no message has break the stream before a byte of the body is taken") {
  for (const uint32_t size : {0u, 1u, 15u, wire::kMaximumMessageBytes + 1, 0x7fffffffu, ~0u}) {
    CAPTURE(size);
    Pair pair;
    pair.peer->SendBytes(BytesOf(wire::Header{1, wire::Command::kVersion, size, 0, 0}));
    CHECK(pair.Read() == Input::kBroken);
  }
  Pair pair;
  pair.peer->SendBytes(
      BytesOf(wire::Header{1, wire::Command::kVersion, wire::kMaximumMessageBytes, 0, 0}));
  CHECK(pair.Read() == Input::kNothing);
}

TEST_CASE("V20 a large message is sent whole through a small socket, its descriptor once") {
  Pair pair;
  const int small = 4096;
  setsockopt(pair.stream->socket(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  WireBytes body(1 << 20);
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<uint8_t>(i >> 4);
  pair.stream->Send({3, wire::Command::kRegionRead, 16 + (1 << 20), wire::kTypeReply, 0}, body,
                    {event.get()});
  CHECK(pair.stream->waiting_bytes() > 0);
  CHECK(pair.stream->waiting_descriptors() == 0);
  std::atomic<bool> done{false};
  std::thread sender([&] {
    while (!done) {
      pair.stream->Wait(false, -1, 5);
      pair.stream->Flush();
    }
  });
  const auto got = pair.peer->Receive();
  done = true;
  sender.join();
  REQUIRE(got);
  CHECK(got->body == body);
  CHECK(got->descriptors.size() == 1);
  CHECK(pair.stream->waiting_bytes() == 0);
}

TEST_CASE("descriptors go with the first byte; too many break the stream and none is left open") {
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  const int before = OpenDescriptors();
  for (const int count : {1, 16, 17, 40, 64}) {
    CAPTURE(count);
    Pair pair;
    pair.peer->SendBytes(Request(8), std::vector<int>(static_cast<size_t>(count), event.get()));
    CHECK(pair.Read() == (count <= 16 ? Input::kMessage : Input::kBroken));
    if (count <= 16) CHECK(pair.message.descriptors.size() == static_cast<size_t>(count));
  }
  CHECK(OpenDescriptors() == before);
}

TEST_CASE(
    "P14_ descriptors that trickle in with one message after its start are counted together") {
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  const int before = OpenDescriptors();
  {
    Pair pair;
    const WireBytes bytes = Request(40);
    Input last = Input::kNothing;
    size_t at = 0;
    for (; at < bytes.size() && last == Input::kNothing; ++at) {
      pair.peer->SendBytes(ConstByteSpan(bytes).subspan(at, 1), {event.get()});
      last = pair.Read();
    }
    CHECK(last == Input::kBroken);
    CHECK(at == 17);
  }
  CHECK(OpenDescriptors() == before);
}

TEST_CASE("F18_ what a peer does not read is counted, descriptors too") {
  Pair pair;
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  const WireBytes body(64 * 1024);
  const int before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    pair.stream->Send({1, wire::Command::kRegionRead, 16 + 64 * 1024, wire::kTypeReply, 0}, body,
                      {event.get()});
  }
  CHECK(pair.stream->waiting_bytes() > 19 * 64 * 1024 - 512 * 1024);
  CHECK(pair.stream->waiting_descriptors() > 10);
  CHECK(OpenDescriptors() == before + static_cast<int>(pair.stream->waiting_descriptors()));
  pair.peer->Close();
  pair.stream->Flush();
  CHECK(pair.stream->IsBroken());
  CHECK(pair.stream->waiting_bytes() == 0);
  CHECK(pair.stream->waiting_descriptors() == 0);
  CHECK(OpenDescriptors() == before - 1);  // the peer's own
}

void OnSignal(int) {}

TEST_CASE("V21 a signal amid a read or a write is no error") {
  struct sigaction action{}, before{};
  action.sa_handler = OnSignal;  // without SA_RESTART
  sigaction(SIGUSR2, &action, &before);
  Pair pair;
  const pthread_t reader = pthread_self();
  std::atomic<bool> done{false};
  std::thread disturber([&] {
    while (!done) pthread_kill(reader, SIGUSR2);
  });
  for (uint16_t id = 1; id <= 500; ++id) {
    pair.peer->SendBytes(Request(2000, id));
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Input input = Input::kNothing;
    while (input == Input::kNothing && std::chrono::steady_clock::now() < limit) {
      pair.stream->Wait(true, -1, 10);
      input = pair.Read();
    }
    REQUIRE(input == Input::kMessage);
    REQUIRE(pair.message.header.id == id);
    pair.stream->Send({id, wire::Command::kRegionWrite, 16, wire::kTypeReply, 0}, {});
    const auto reply = pair.peer->Receive();
    REQUIRE(reply);
    REQUIRE(reply->header.id == id);
  }
  done = true;
  disturber.join();
  sigaction(SIGUSR2, &before, nullptr);
}

TEST_CASE("V21 a peer that is gone is told from one that says nothing") {
  Pair pair;
  CHECK(pair.Read() == Input::kNothing);
  pair.peer->CloseSending();
  CHECK(pair.Read() == Input::kEnd);
  pair.peer->Close();
  for (int i = 0; i < 3; ++i) {
    pair.stream->Send({1, wire::Command::kVersion, 16, wire::kTypeReply, 0}, {});
  }
  CHECK(pair.stream->IsBroken());
}

TEST_CASE("a wait ends by input, by the other descriptor, and by its limit") {
  Pair pair;
  const FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  CHECK_FALSE(pair.stream->Wait(true, event.get(), 0));
  pair.peer->SendBytes(Request(0));
  CHECK_FALSE(pair.stream->Wait(true, event.get(), WireClient::kLimitMs));
  const uint64_t one = 1;
  REQUIRE(write(event.get(), &one, sizeof(one)) == sizeof(one));
  CHECK(pair.stream->Wait(true, event.get(), WireClient::kLimitMs));
}

}  // namespace
}  // namespace ward::test
