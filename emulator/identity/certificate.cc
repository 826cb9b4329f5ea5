#include "emulator/identity/certificate.h"

#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <ctime>

#include "base/rule.h"

namespace ward::emulator {
namespace {

using device::BigNumberHandle;
using device::BioHandle;
using device::OpenSslHandle;
using ExtensionHandle = OpenSslHandle<X509_EXTENSION, X509_EXTENSION_free>;
using Pkcs7Handle = OpenSslHandle<PKCS7, PKCS7_free>;

constexpr int kSerialBits = 127;  // positive, and never two alike
constexpr int kDaysBefore = 1;    // a guest's clock may be a little slow
constexpr int kDaysAfter = 7305;  // 20 years
constexpr char kOrganization[] = "WardGPU test identity";

struct Extension {
  int nid;
  const char* value;
};

std::vector<Extension> ListExtensions(CertificateRole role) {
  switch (role) {
    case CertificateRole::kDevice:
      return {{NID_basic_constraints, "critical,CA:FALSE"},
              {NID_key_usage, "critical,keyEncipherment"},
              {NID_subject_key_identifier, "hash"},
              {NID_authority_key_identifier, "keyid:always"}};
    case CertificateRole::kIntermediate:
      return {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
              {NID_key_usage, "critical,keyCertSign,cRLSign"},
              {NID_subject_key_identifier, "hash"},
              {NID_authority_key_identifier, "keyid:always"}};
    case CertificateRole::kRoot:
      return {{NID_basic_constraints, "critical,CA:TRUE,pathlen:1"},
              {NID_key_usage, "critical,keyCertSign,cRLSign"},
              {NID_subject_key_identifier, "hash"}};
  }
  return {};
}

std::string SerialText(const X509* certificate) {
  const BigNumberHandle number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  const std::string result = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return result;
}

bool SetSerial(X509* certificate) {
  const BigNumberHandle number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

std::string CommonName(CertificateRole role, const X509* certificate) {
  switch (role) {
    case CertificateRole::kDevice:
      return "WardGPU device " + SerialText(certificate).substr(0, 8);
    case CertificateRole::kIntermediate:
      return "WardGPU device issuer";
    case CertificateRole::kRoot:
      return "WardGPU test root";
  }
  return "";
}

bool AddNameEntry(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool SetNames(CertificateRole role, X509* certificate, const X509* issuer) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  return AddNameEntry(subject, "O", kOrganization) &&
         AddNameEntry(subject, "CN", CommonName(role, certificate)) &&
         X509_set_issuer_name(certificate,
                              issuer == nullptr ? subject : X509_get_subject_name(issuer)) == 1;
}

bool SetValidity(X509* certificate) {
  return X509_time_adj_ex(X509_getm_notBefore(certificate), -kDaysBefore, 0, nullptr) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), kDaysAfter, 0, nullptr) != nullptr;
}

bool AddExtensions(CertificateRole role, X509* certificate, X509* issuer) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr, nullptr,
                 0);
  for (const Extension& extension : ListExtensions(role)) {
    const ExtensionHandle handle(
        X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value));
    if (!handle || X509_add_ext(certificate, handle.get(), -1) != 1) return false;
  }
  return true;
}

std::string NameText(const X509_NAME* name) {
  const BioHandle sink(BIO_new(BIO_s_mem()));
  if (!sink || X509_NAME_print_ex(sink.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  char* text = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string TimeText(const ASN1_TIME* time) {
  std::tm fields = {};
  char text[32] = "";
  if (ASN1_TIME_to_tm(time, &fields) != 1) return "";
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return text;
}

std::string FingerprintText(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  std::string text;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return "";
  for (unsigned i = 0; i < size; ++i) {
    char byte[3];
    std::snprintf(byte, sizeof(byte), "%02x", digest[i]);
    text += byte;
  }
  return text;
}

}  // namespace

CertificateHandle IssueCertificate(CertificateRole role, EVP_PKEY* subject_key, X509* issuer,
                                   EVP_PKEY* issuer_key) {
  CertificateHandle certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !SetSerial(certificate.get()) || !SetNames(role, certificate.get(), issuer) ||
      !SetValidity(certificate.get()) || X509_set_pubkey(certificate.get(), subject_key) != 1 ||
      !AddExtensions(role, certificate.get(), issuer) ||
      X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) {
    return nullptr;
  }
  return certificate;
}

std::vector<uint8_t> EncodeBundle(const std::vector<const X509*>& certificates) {
  const Pkcs7Handle bundle(PKCS7_new());
  if (!bundle || PKCS7_set_type(bundle.get(), NID_pkcs7_signed) != 1) return {};
  // Certs-only: of type data, without content and without signers.
  bundle->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
  for (const X509* certificate : certificates) {
    if (WARD_BROKEN("R12.leaf") && certificate == certificates.front()) continue;
    if (PKCS7_add_certificate(bundle.get(), const_cast<X509*>(certificate)) != 1) return {};
  }
  const int size = i2d_PKCS7(bundle.get(), nullptr);
  if (size <= 0) return {};
  std::vector<uint8_t> der(static_cast<size_t>(size));
  unsigned char* next = der.data();
  i2d_PKCS7(bundle.get(), &next);
  return der;
}

CertificateSummary SummarizeCertificate(CertificateRole role, const X509* certificate) {
  return {role,
          NameText(X509_get_subject_name(certificate)),
          NameText(X509_get_issuer_name(certificate)),
          SerialText(certificate),
          FingerprintText(certificate),
          TimeText(X509_get0_notBefore(certificate)),
          TimeText(X509_get0_notAfter(certificate))};
}

}  // namespace ward::emulator
