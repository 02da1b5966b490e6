// The suite's certificate authority and the certificates of its peers.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace matrix::conformance {

/// A certificate and its key, in PEM.
struct TlsIdentity {
    std::string certificate;
    std::string private_key;
};

/// A new authority (P-256), good for a year.
TlsIdentity make_authority(const std::string& common_name);

/// A certificate for these DNS names and IP addresses, issued by `authority`.
TlsIdentity make_certificate(const TlsIdentity& authority, const std::vector<std::string>& names);

}  // namespace matrix::conformance
