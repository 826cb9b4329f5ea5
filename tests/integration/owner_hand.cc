#include "tests/integration/owner_hand.h"

#include <unistd.h>

#include <iostream>
#include <set>
#include <string>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

std::set<uint32_t> broken_links;

const char* NameOf(device::LinkFault fault) {
  switch (fault) {
    case device::LinkFault::kNone:
      return "none";
    case device::LinkFault::kNegotiationFails:
      return "negotiation-fails";
    case device::LinkFault::kLinkLost:
      return "link-lost";
  }
  return "";
}

void Ask(const std::string& request) {
  // Reporters take for themselves what a case writes to std::cout.
  const std::string line = "ward-hand: " + request + "\n";
  REQUIRE(write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  std::string answer;
  std::getline(std::cin, answer);
  INFO(request << ": " << answer);
  REQUIRE(answer.starts_with("done"));
}

}  // namespace

void OwnerHand::SetLinkFault(uint32_t output, device::LinkFault fault) {
  if (fault == device::LinkFault::kNone) {
    broken_links.erase(output);
  } else {
    broken_links.insert(output);
  }
  Ask("link-fault " + std::to_string(output) + " " + NameOf(fault));
}

void OwnerHand::TearDown() { Ask("teardown"); }

void OwnerHand::MendLinks() {
  while (!broken_links.empty()) SetLinkFault(*broken_links.begin(), device::LinkFault::kNone);
}

}  // namespace ward::test
