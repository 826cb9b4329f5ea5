// The tests' own client: what it takes for a server that hangs is told from what is none.
#include "tests/unit/vfio_user/wire_client.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

namespace ward::test {
namespace {

constexpr int kSignals = 5;
int signals_left = 0;
int peer = -1;

// The last one sends what is waited for.
void OnSignal(int) {
  if (signals_left == 0 || --signals_left != 0) return;
  [[maybe_unused]] const ssize_t sent = send(peer, "!", 1, MSG_NOSIGNAL);
}

}  // namespace

TEST_CASE("a signal amid a wait for the server is not its silence") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const WireClient client{FileDescriptor(ends[0])};
  const FileDescriptor server(ends[1]);
  peer = server.get();
  signals_left = kSignals;

  struct sigaction action{}, former_action{};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // as a fuzzer has it: poll(2) ends all the same
  REQUIRE(sigaction(SIGALRM, &action, &former_action) == 0);
  const itimerval often = {{0, 2000}, {0, 2000}}, never{};
  REQUIRE(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  CHECK(client.HasInput(WireClient::kLimitMs));
  CHECK(signals_left == 0);
  // And it ends when nothing comes.
  uint8_t byte = 0;
  REQUIRE(recv(client.socket(), &byte, 1, 0) == 1);
  CHECK_FALSE(client.HasInput(20));
  REQUIRE(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  REQUIRE(sigaction(SIGALRM, &former_action, nullptr) == 0);
}

}  // namespace ward::test
