#include "emulator/identity/identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/rsa_private_key.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::emulator {
namespace {

using test::Bytes;
using test::FromHex;
using test::Workspace;

// One for all tests: making one takes most of a second.
const Identity& SharedIdentity() {
  static std::string error;
  static const std::optional<Identity> identity = Identity::Create(&error);
  REQUIRE(identity.has_value());
  return *identity;
}

void SaveShared(const Workspace& workspace) {
  std::string error;
  const bool saved = SharedIdentity().Save(workspace / "id", false, &error);
  INFO(error);
  REQUIRE(saved);
}

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status = {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

// The error of loading what `spoil` left of a good directory.
std::string LoadErrorAfter(const std::function<void(const Workspace&)>& spoil) {
  const Workspace workspace;
  SaveShared(workspace);
  spoil(workspace);
  std::string error;
  CHECK_FALSE(Identity::Load(workspace / "id", &error).has_value());
  return error;
}

bool Contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

TEST_CASE("openssl verify accepts the chain of a saved identity") {
  const Workspace workspace;
  SaveShared(workspace);
  std::string output;
  CHECK(workspace.Run("openssl verify -x509_strict -CAfile id/root.pem -untrusted "
                      "id/intermediate.pem id/device.pem",
                      &output) == 0);
  CHECK(output == "id/device.pem: OK\n");
  CHECK(workspace.Run("openssl verify -CAfile id/root.pem id/device.pem") != 0);
  CHECK(workspace.Run("openssl pkey -check -noout -in id/device.key") == 0);
}

TEST_CASE("the device certificate is for key encipherment with RSA-2048 and SHA-256") {
  const Workspace workspace;
  SaveShared(workspace);
  std::string text;
  REQUIRE(workspace.Run("openssl x509 -noout -text -in id/device.pem", &text) == 0);
  Contains(text, "Public-Key: (2048 bit)");
  Contains(text, "Exponent: 65537");
  Contains(text, "Signature Algorithm: sha256WithRSAEncryption");
  Contains(text, "X509v3 Key Usage: critical\n                Key Encipherment\n");
  Contains(text, "CA:FALSE");
}

TEST_CASE("openssl pkcs7 reads three certificates from the bundle, the leaf nobody's issuer") {
  const Workspace workspace;
  SaveShared(workspace);
  workspace.Write("bundle.der", SharedIdentity().certificate_bundle());
  std::string pem;
  REQUIRE(workspace.Run("openssl pkcs7 -inform DER -in bundle.der -print_certs -out certs.pem",
                        &pem) == 0);
  const std::string certificates = workspace.ReadText("certs.pem");
  for (const char* file : {"id/device.pem", "id/intermediate.pem", "id/root.pem"}) {
    Contains(certificates, workspace.ReadText(file));
  }
  const auto summaries = SharedIdentity().Summarize();
  REQUIRE(summaries.size() == 3);
  CHECK(summaries[0].issuer == summaries[1].subject);
  CHECK(summaries[1].issuer == summaries[2].subject);
  CHECK(summaries[2].issuer == summaries[2].subject);
  CHECK(summaries[0].serial != summaries[1].serial);
  CHECK(summaries[1].serial != summaries[2].serial);
}

TEST_CASE("a key wrapped to the device certificate is unwrapped with the identity's key") {
  const Workspace workspace;
  SaveShared(workspace);
  const Bytes payload = FromHex("2b7e151628aed2a6abf7158809cf4f3c");
  workspace.Write("payload", payload);
  REQUIRE(workspace.Run("openssl pkeyutl -encrypt -certin -inkey id/device.pem"
                        " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha512"
                        " -pkeyopt rsa_mgf1_md:sha512 -in payload -out blob") == 0);
  std::string error;
  const auto loaded = Identity::Load(workspace / "id", &error);
  REQUIRE(loaded.has_value());
  for (const Identity* identity : {&SharedIdentity(), &*loaded}) {
    const char* reason = nullptr;
    const auto parsed = device::RsaPrivateKey::LoadDer(identity->private_key(), &reason);
    REQUIRE(parsed.has_value());
    for (const device::RsaPrivateKey* key : {&*parsed, &identity->key()}) {
      device::AesKey unwrapped;
      REQUIRE(key->UnwrapKey(workspace.Read("blob"), &unwrapped));
      CHECK(test::ToHex(unwrapped.Expose()) == test::ToHex(payload));
    }
  }
}

TEST_CASE("a loaded identity has the bundle of the saved one") {
  const Workspace workspace;
  SaveShared(workspace);
  std::string error;
  const auto loaded = Identity::Load(workspace / "id", &error);
  INFO(error);
  REQUIRE(loaded.has_value());
  CHECK(test::ToHex(loaded->certificate_bundle()) ==
        test::ToHex(SharedIdentity().certificate_bundle()));
}

TEST_CASE("only the owner may read the saved key, whatever the umask") {
  const Workspace workspace;
  const mode_t before = ::umask(0);
  SaveShared(workspace);
  ::umask(before);
  CHECK(ModeOf(workspace / "id" / "device.key") == 0600);
  CHECK(ModeOf(workspace / "id" / "device.pem") == 0644);
  CHECK(ModeOf(workspace / "id" / "root.pem") == 0644);
}

TEST_CASE("saving leaves nothing but the four files") {
  const Workspace workspace;
  SaveShared(workspace);
  std::string output;
  REQUIRE(workspace.Run("ls -A id", &output) == 0);
  CHECK(output == "device.key\ndevice.pem\nintermediate.pem\nroot.pem\n");
}

TEST_CASE("saving over an identity is refused and changes nothing, and done when forced") {
  const Workspace workspace;
  SaveShared(workspace);
  const Bytes before = workspace.Read("id/device.key");
  std::string error;
  const auto other = Identity::Create(&error);
  REQUIRE(other.has_value());
  CHECK_FALSE(other->Save(workspace / "id", false, &error));
  Contains(error, "id/device.key is there already");
  Contains(error, "--force");
  CHECK(workspace.Read("id/device.key") == before);

  REQUIRE(other->Save(workspace / "id", true, &error));
  CHECK(workspace.Read("id/device.key") != before);
  CHECK(ModeOf(workspace / "id" / "device.key") == 0600);
  CHECK(Identity::Load(workspace / "id", &error).has_value());
}

TEST_CASE("any one file that is left forbids an unforced save") {
  for (const char* file : {"device.key", "device.pem", "intermediate.pem", "root.pem"}) {
    const Workspace workspace;
    std::filesystem::create_directory(workspace / "id");
    workspace.WriteText(std::string("id/") + file, "mine");
    std::string error;
    CHECK_FALSE(SharedIdentity().Save(workspace / "id", false, &error));
    Contains(error, file);
    CHECK(workspace.ReadText(std::string("id/") + file) == "mine");
  }
}

TEST_CASE("saving where a file stands in the way of the directory says so") {
  const Workspace workspace;
  workspace.WriteText("id", "a file");
  std::string error;
  CHECK_FALSE(SharedIdentity().Save(workspace / "id", false, &error));
  Contains(error, "can't be made");
}

// As a service does that has a user of its own. Root may read everything, so it is another user
// here.
TEST_CASE("loading what another user keeps to himself does not advise to make it anew") {
  const Workspace workspace;
  SaveShared(workspace);
  const std::filesystem::path key = workspace / "id" / "device.key";
  std::filesystem::permissions(workspace / "id", std::filesystem::perms(0755));
  std::filesystem::permissions(workspace / "", std::filesystem::perms(0755));
  const bool is_root = geteuid() == 0;
  if (is_root) {
    REQUIRE(seteuid(65534) == 0);
  } else {
    REQUIRE(chmod(key.c_str(), 0) == 0);
  }
  std::string error;
  const bool is_loaded = Identity::Load(workspace / "id", &error).has_value();
  if (is_root) REQUIRE(seteuid(0) == 0);
  CHECK_FALSE(is_loaded);
  Contains(error, key.string() + " can't be opened: Permission denied");
  Contains(error, "LoadCredential=");
  CHECK(error.find("--force") == std::string::npos);
}

TEST_CASE("loading from an empty directory names the command that makes an identity") {
  const Workspace workspace;
  std::string error;
  CHECK_FALSE(Identity::Load(workspace / "id", &error).has_value());
  Contains(error, "no identity in");
  Contains(error, "ward identity create '" + (workspace / "id").string() + "'");
}

TEST_CASE("loading names each missing, empty, garbled, oversized or irregular file") {
  for (const std::string file : {"device.key", "device.pem", "intermediate.pem", "root.pem"}) {
    INFO(file);
    const std::string path = "id/" + file;
    Contains(LoadErrorAfter([&](const Workspace& w) { w.Run("rm " + path); }),
             file + " is missing");
    const std::string empty = LoadErrorAfter([&](const Workspace& w) { w.Run(": > " + path); });
    const std::string garbled = LoadErrorAfter(
        [&](const Workspace& w) { w.Run("sed -i '4s/......../!!!!!!!!/' " + path); });
    const std::string cut =
        LoadErrorAfter([&](const Workspace& w) { w.Run("truncate -s 500 " + path); });
    for (const std::string& error : {empty, garbled, cut}) {
      Contains(error, file + (file == "device.key" ? " is not an unencrypted private key"
                                                   : " does not hold a certificate in PEM form"));
      Contains(error, "ward identity create");
      Contains(error, "--force");
    }
    Contains(LoadErrorAfter([&](const Workspace& w) { w.Run("truncate -s 70000 " + path); }),
             file + " is longer than 65536 bytes");
    Contains(LoadErrorAfter([&](const Workspace& w) { w.Run("rm " + path + "; mkfifo " + path); }),
             file + " is not a regular file");
  }
}

TEST_CASE("loading refuses a key that another certificate belongs to") {
  Contains(
      LoadErrorAfter([](const Workspace& w) { w.Run("openssl genrsa -out id/device.key 2048"); }),
      "device.key is not the key that device.pem certifies");
}

TEST_CASE("loading refuses a key with one bit of its last number changed") {
  Contains(LoadErrorAfter([](const Workspace& w) {
             w.Run("openssl rsa -traditional -in id/device.key -outform DER -out der");
             Bytes der = w.Read("der");
             der[der.size() - 9] = static_cast<uint8_t>(der[der.size() - 9] ^ 1);
             w.Write("der", der);
             w.Run(
                 "{ echo '-----BEGIN RSA PRIVATE KEY-----'; openssl base64 -in der; "
                 "echo '-----END RSA PRIVATE KEY-----'; } > id/device.key");
           }),
           "device.key is damaged: its numbers do not form a pair");
}

TEST_CASE("loading refuses weak and encrypted keys") {
  Contains(
      LoadErrorAfter([](const Workspace& w) { w.Run("openssl genrsa -out id/device.key 1024"); }),
      "device.key is not 2048 bits long");
  Contains(LoadErrorAfter([](const Workspace& w) {
             w.Run(
                 "openssl rsa -in id/device.key -aes128 -passout pass:x -out id/new && "
                 "mv id/new id/device.key");
           }),
           "device.key is not an unencrypted private key");
}

TEST_CASE("loading refuses a broken chain and says at which file") {
  Contains(LoadErrorAfter([](const Workspace& w) { w.Run("cp id/root.pem id/intermediate.pem"); }),
           "device.pem does not stand in the chain");
  Contains(LoadErrorAfter([](const Workspace& w) {
             w.Run(
                 "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=other "
                 "-out id/root.pem");
           }),
           "intermediate.pem does not stand in the chain");
  Contains(LoadErrorAfter([](const Workspace& w) { w.Run("cat id/root.pem >> id/device.pem"); }),
           "device.pem holds more than one certificate");
}

TEST_CASE("loading refuses a certificate whose signature is damaged") {
  // The last bytes of a certificate are its signature: flip one there.
  Contains(LoadErrorAfter([](const Workspace& w) {
             w.Run("openssl x509 -in id/device.pem -outform DER -out der");
             Bytes der = w.Read("der");
             der[der.size() - 9] = static_cast<uint8_t>(der[der.size() - 9] ^ 1);
             w.Write("der", der);
             w.Run("openssl x509 -inform DER -in der -out id/device.pem");
           }),
           "device.pem does not stand in the chain");
}

// Replaces the certificates, with the openssl command, by a chain of other authorities whose leaf
// holds the same device key.
void IssueAnew(const Workspace& workspace, const std::string& leaf_usage,
               const std::string& leaf_issuer, const std::string& leaf_dates) {
  workspace.WriteText(
      "conf",
      "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
      "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
      "[root]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n"
      "keyUsage=critical,keyCertSign\n"
      "[intermediate]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n"
      "authorityKeyIdentifier=keyid\nkeyUsage=critical,keyCertSign\n"
      "[leaf]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
      "keyUsage=critical," +
          leaf_usage + "\n");
  const std::string sign = "openssl ca -batch -notext -config conf ";
  std::string output;
  const int code = workspace.Run(
      "touch index && echo 01 >serial && "
      "openssl genrsa -out root.key 2048 && openssl genrsa -out intermediate.key 2048 && "
      "openssl req -new -key root.key -subj /CN=root -out root.csr && "
      "openssl req -new -key intermediate.key -subj /CN=intermediate -out intermediate.csr && "
      "openssl req -new -key id/device.key -subj /CN=leaf -out leaf.csr && " +
          sign +
          "-extensions root -selfsign -keyfile root.key -days 9999 -in root.csr "
          "-out id/root.pem && " +
          sign +
          "-extensions intermediate -cert id/root.pem -keyfile root.key -days 9999 "
          "-in intermediate.csr -out id/intermediate.pem && " +
          sign + "-extensions leaf -cert id/" + leaf_issuer + ".pem -keyfile " + leaf_issuer +
          ".key " + leaf_dates + " -in leaf.csr -out id/device.pem",
      &output);
  INFO(output);
  REQUIRE(code == 0);
}

TEST_CASE("loading accepts another authority's chain of the same shape") {
  const Workspace workspace;
  SaveShared(workspace);
  IssueAnew(workspace, "keyEncipherment", "intermediate", "-days 9999");
  std::string error;
  const bool loaded = Identity::Load(workspace / "id", &error).has_value();
  INFO(error);
  CHECK(loaded);
}

TEST_CASE("loading refuses a device certificate that has expired") {
  Contains(LoadErrorAfter([](const Workspace& w) {
             IssueAnew(w, "keyEncipherment", "intermediate",
                       "-startdate 19990101000000Z -enddate 19991231000000Z");
           }),
           "device.pem does not stand in the chain device.pem, intermediate.pem, root.pem: "
           "certificate has expired");
}

TEST_CASE("loading refuses a device certificate for another use") {
  Contains(LoadErrorAfter([](const Workspace& w) {
             IssueAnew(w, "digitalSignature", "intermediate", "-days 9999");
           }),
           "device.pem is not for key encipherment");
}

TEST_CASE("loading refuses a device certificate that the root issued directly") {
  Contains(LoadErrorAfter(
               [](const Workspace& w) { IssueAnew(w, "keyEncipherment", "root", "-days 9999"); }),
           "device.pem is not issued by intermediate.pem");
}

TEST_CASE("a save that fails half-way leaves no private key lying about") {
  const Workspace workspace;
  std::filesystem::create_directories(workspace / "id" / "device.key" / "full");
  std::string error;
  CHECK_FALSE(SharedIdentity().Save(workspace / "id", true, &error));
  Contains(error, "device.key can't be put in place");
  std::string output;
  REQUIRE(workspace.Run("ls -A id", &output) == 0);
  CHECK(output == "device.key\n");
}

}  // namespace
}  // namespace ward::emulator
