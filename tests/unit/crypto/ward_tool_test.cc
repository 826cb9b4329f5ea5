#include <nlohmann/json.hpp>

#include "catch2/catch_test_macros.hpp"
#include "emulator/identity/identity.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::emulator {
namespace {

using test::Workspace;

constexpr char kTool[] = "'" WARD_TOOL "'";

std::string RunTool(const Workspace& workspace, const std::string& arguments, int expected_code) {
  std::string output;
  const int code = workspace.Run(kTool + (" " + arguments), &output);
  INFO(arguments << "\n" << output);
  CHECK(code == expected_code);
  return output;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("ward identity create makes an identity that show describes") {
  const Workspace workspace;
  RunTool(workspace, "identity create id", 0);
  const std::string text = RunTool(workspace, "identity show id", 0);
  CHECK(Has(text, "WardGPU test root"));
  CHECK_FALSE(Has(text, "PRIVATE"));

  const auto document = nlohmann::json::parse(RunTool(workspace, "identity show --json id", 0));
  const auto& certificates = document["certificates"];
  REQUIRE(certificates.size() == 3);
  for (const auto& [role, file] : {std::pair{0, "device"}, {1, "intermediate"}, {2, "root"}}) {
    CHECK(certificates[role]["role"] == file);
    std::string fingerprint;
    REQUIRE(workspace.Run(std::string("openssl x509 -noout -fingerprint -sha256 -in id/") + file +
                              ".pem | tr -d ':\\n' | sed 's/.*=//' | tr A-F a-f",
                          &fingerprint) == 0);
    CHECK(certificates[role]["sha256"] == fingerprint);
    std::string serial;
    REQUIRE(workspace.Run(std::string("openssl x509 -noout -serial -in id/") + file +
                              ".pem | sed 's/serial=//' | tr -d '\\n'",
                          &serial) == 0);
    CHECK(certificates[role]["serial"] == serial);
  }
}

TEST_CASE("ward identity create refuses to replace an identity unless forced") {
  const Workspace workspace;
  RunTool(workspace, "identity create id", 0);
  const test::Bytes before = workspace.Read("id/device.key");
  CHECK(Has(RunTool(workspace, "identity create id", 1), "--force"));
  CHECK(workspace.Read("id/device.key") == before);
  RunTool(workspace, "identity create id --force", 0);
  CHECK(workspace.Read("id/device.key") != before);
}

TEST_CASE("ward identity create --test marks an identity, and another one in its place is not") {
  const Workspace workspace;
  RunTool(workspace, "identity create id --test", 0);
  CHECK(Has(RunTool(workspace, "identity show id", 0), "for tests"));
  CHECK(nlohmann::json::parse(RunTool(workspace, "identity show --json id", 0))["test"] == true);
  std::string error;
  CHECK(Identity::Load(workspace / "id", &error)->is_test());
  RunTool(workspace, "identity create id --force", 0);
  CHECK_FALSE(Has(RunTool(workspace, "identity show id", 0), "for tests"));
  CHECK_FALSE(Identity::Load(workspace / "id", &error)->is_test());
}

TEST_CASE("ward identity show of nothing says how to make an identity") {
  const Workspace workspace;
  CHECK(Has(RunTool(workspace, "identity show id", 1), "ward identity create 'id'"));
}

TEST_CASE("ward tells wrong usage from failure and explains itself") {
  const Workspace workspace;
  RunTool(workspace, "", 2);
  RunTool(workspace, "identity", 2);
  RunTool(workspace, "identity create", 2);
  RunTool(workspace, "identity create id --frce", 2);
  RunTool(workspace, "nonsense", 2);
  CHECK(Has(RunTool(workspace, "--help", 0), "identity"));
  CHECK(Has(RunTool(workspace, "identity --help", 0), "root.pem"));
  CHECK(Has(RunTool(workspace, "identity create --help", 0), "--force"));
  CHECK(RunTool(workspace, "version", 0).starts_with("ward "));
}

}  // namespace
}  // namespace ward::emulator
