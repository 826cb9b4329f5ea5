// The X.509 certificates of a device identity: leaf <- intermediate <- root, and the container in
// which a driver gets them.
#ifndef WARD_EMULATOR_IDENTITY_CERTIFICATE_H_
#define WARD_EMULATOR_IDENTITY_CERTIFICATE_H_

#include <openssl/x509.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "device/crypto/openssl_handles.h"

namespace ward::emulator {

using CertificateHandle = device::OpenSslHandle<X509, X509_free>;

enum class CertificateRole { kDevice, kIntermediate, kRoot };

// The public parts, as people read them.
struct CertificateSummary {
  CertificateRole role;
  std::string subject;
  std::string issuer;
  std::string serial;              // hexadecimal, upper case
  std::string sha256_fingerprint;  // hexadecimal, lower case, of the DER form
  std::string not_before;          // UTC, 2026-01-31T00:00:00Z
  std::string not_after;
};

// A certificate for `subject_key`, signed with SHA-256 by `issuer_key`. A root has no `issuer`.
// Empty only when libcrypto fails.
CertificateHandle IssueCertificate(CertificateRole role, EVP_PKEY* subject_key, X509* issuer,
                                   EVP_PKEY* issuer_key);

// CMS/PKCS#7 "certs-only" SignedData in DER: what GetCertificate of the DDI hands out.
std::vector<uint8_t> EncodeBundle(const std::vector<const X509*>& certificates);

CertificateSummary SummarizeCertificate(CertificateRole role, const X509* certificate);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_IDENTITY_CERTIFICATE_H_
