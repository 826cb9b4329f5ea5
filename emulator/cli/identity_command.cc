#include "emulator/cli/identity_command.h"

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "emulator/cli/command_line.h"
#include "emulator/identity/identity.h"

namespace ward::emulator {
namespace {

constexpr char kIdentityHelp[] =
    "An identity is the RSA-2048 key that applications encrypt their session keys to, with the\n"
    "certificates that vouch for it (device <- intermediate <- root). A directory holds it:\n"
    "  device.key        the private key; only its owner may read it\n"
    "  device.pem        the device certificate\n"
    "  intermediate.pem  who issued that\n"
    "  root.pem          who issued that; what a test application has to trust\n"
    "No real application trusts such a root: it is for tests.";

struct IdentityArguments {
  std::string directory;
  bool force = false;
  bool test = false;
  bool json = false;
};

int Complain(const std::string& error) {
  fmt::print(stderr, "ward: {}\n", error);
  return 1;
}

const char* RoleName(CertificateRole role) {
  switch (role) {
    case CertificateRole::kDevice:
      return "device";
    case CertificateRole::kIntermediate:
      return "intermediate";
    case CertificateRole::kRoot:
      return "root";
  }
  return "";
}

void PrintSummary(const Identity& identity) {
  for (const CertificateSummary& certificate : identity.Summarize()) {
    fmt::print("{}\n  subject      {}\n  issuer       {}\n  serial       {}\n  SHA-256      {}\n",
               RoleName(certificate.role), certificate.subject, certificate.issuer,
               certificate.serial, certificate.sha256_fingerprint);
    fmt::print("  valid        {} to {}\n", certificate.not_before, certificate.not_after);
  }
  if (identity.is_test()) fmt::print("for tests: open recordings may hold its private key\n");
}

void PrintJson(const Identity& identity) {
  nlohmann::ordered_json document;
  document["certificates"] = nlohmann::ordered_json::array();
  for (const CertificateSummary& certificate : identity.Summarize()) {
    document["certificates"].push_back({{"role", RoleName(certificate.role)},
                                        {"subject", certificate.subject},
                                        {"issuer", certificate.issuer},
                                        {"serial", certificate.serial},
                                        {"sha256", certificate.sha256_fingerprint},
                                        {"not_before", certificate.not_before},
                                        {"not_after", certificate.not_after}});
  }
  document["test"] = identity.is_test();
  document["bundle_bytes"] = identity.certificate_bundle().size();
  fmt::print("{}\n", document.dump(2));
}

int CreateIdentity(const IdentityArguments& arguments) {
  std::string error;
  auto identity = Identity::Create(&error);
  if (!identity) return Complain(error);
  if (arguments.test) identity->MarkAsTest();
  if (!identity->Save(arguments.directory, arguments.force, &error)) return Complain(error);
  fmt::print(
      "A new device identity is in {}. Keep device.key to yourself.\n"
      "Test applications trust it by root.pem. See it with: ward identity show '{}'\n",
      arguments.directory, arguments.directory);
  return 0;
}

int ShowIdentity(const IdentityArguments& arguments) {
  std::string error;
  const auto identity = Identity::Load(arguments.directory, &error);
  if (!identity) return Complain(error);
  if (arguments.json) {
    PrintJson(*identity);
  } else {
    PrintSummary(*identity);
  }
  return 0;
}

}  // namespace

void AddIdentityCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<IdentityArguments>();
  CLI::App* identity = AddCommand(app, "identity", "Make and look at device identities");
  identity->footer(kIdentityHelp);
  identity->require_subcommand(1);

  CLI::App* create = AddCommand(identity, "create", "Make a new identity in a directory");
  create->add_option("DIR", arguments->directory, "Where to put it; made when it is missing")
      ->required();
  create->add_flag("--force", arguments->force,
                   "Replace the identity that is there; its key is lost");
  create->add_flag("--test", arguments->test,
                   "Its private key may stand in recordings that are not sealed");
  create->footer("Example: ward identity create ~/ward-identity");
  create->callback([arguments, exit_code] { *exit_code = CreateIdentity(*arguments); });

  CLI::App* show = AddCommand(identity, "show", "Check an identity and print its public parts");
  show->add_option("DIR", arguments->directory, "Where it is")->required();
  show->add_flag("--json", arguments->json, "Print JSON, for scripts");
  show->footer("Exit code 0 means that the four files are whole and belong together.");
  show->callback([arguments, exit_code] { *exit_code = ShowIdentity(*arguments); });
}

}  // namespace ward::emulator
