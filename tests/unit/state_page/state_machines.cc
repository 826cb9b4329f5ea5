#include "tests/unit/state_page/state_machines.h"

#include "device/hdcp_link.h"
#include "firmware/channel_state.h"
#include "firmware/decoder_state.h"
#include "firmware/protected_output.h"
#include "firmware/session_state.h"

namespace ward::test {

// To add one: its header above, and an entry here.
std::vector<StateMachine> AllStateMachines() {
  return {
      MakeStateMachine(
          "Crypto session",
          "Of one context, of key exchange RSAES_OAEP; the key of the state is the session key.",
          firmware::kSessionTable,
          {"none", "no key", "keyed", "refresh pending", "damaged", "torn down"},
          {"CREATE_SESSION", "NEGOTIATE_SESSION_KEY", "SET_CONTENT_KEY", "GET_READBACK_KEY",
           "START_KEY_REFRESH", "FINISH_KEY_REFRESH", "QUERY_SESSION", "DESTROY_SESSION",
           "end of the context", "check word of a key fails", "tear-down"}),
      MakeStateMachine(
          "Hardware DRM session", "Of one context, of key exchange HW_PROTECTION.",
          firmware::kHardwareTable, {"none", "open", "damaged", "torn down"},
          {"CREATE_SESSION", "GET_NEW_KEY_DATA", "CALL_TRUSTED", "SELECT_KEY", "QUERY_SESSION",
           "DESTROY_SESSION", "end of the context", "check word of a key fails", "tear-down"}),
      MakeStateMachine(
          "Authenticated channel", "Of one context. INITIALIZE makes its key final.",
          firmware::kChannelTable, {"none", "no key", "keyed", "live", "damaged", "torn down"},
          {"CREATE_CHANNEL", "NEGOTIATE_CHANNEL_KEY", "CONFIGURE_CHANNEL with INITIALIZE",
           "CONFIGURE_CHANNEL with another command", "QUERY_CHANNEL", "DESTROY_CHANNEL",
           "end of the context", "check word of the key fails", "tear-down"}),
      MakeStateMachine("Decoder", "As channel messages know it: tied to a session, or not.",
                       firmware::kDecoderTable, {"none", "untied", "tied"},
                       {"CREATE_DECODER", "CONFIGURE_CHANNEL with CRYPTO_SESSION",
                        "QUERY_CHANNEL with CRYPTO_SESSION", "DESTROY_DECODER",
                        "end of its session", "end of the context"}),
      MakeStateMachine("Protected output", "What OPM makes of a display output; the kernel's.",
                       firmware::kProtectedOutputTable, {"none", "created", "keyed"},
                       {"CREATE_PROTECTED_OUTPUT", "GET_OUTPUT_RANDOM", "SET_OUTPUT_KEY",
                        "GET_OUTPUT_INFORMATION", "CONFIGURE_OUTPUT", "DESTROY_PROTECTED_OUTPUT"}),
      MakeStateMachine(
          "HDCP link", "Of one display output (OUTPUT_LINK).", device::kHdcpTable,
          {"off", "negotiating", "on", "lost"},
          {"a protected output asks for it", "the display authenticates", "the display does not",
           "the link is lost", "no protected output asks any more"}),
  };
}

}  // namespace ward::test
