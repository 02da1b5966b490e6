// ServerCertificate: what a TLS listener shows, and where it comes from.
#pragma once

#include <expected>
#include <string>

namespace matrix::platform {

struct ServerCertificate {
    std::string chain_pem;  ///< The server's own certificate first.
    std::string key_pem;
};

/// Reads and checks both files: they are PEM, and the key belongs to the certificate.
std::expected<ServerCertificate, std::string> read_certificate(const std::string& chain_path,
                                                               const std::string& key_path);

/// Reads a file of CA certificates and checks that there is at least one in it.
std::expected<std::string, std::string> read_authorities(const std::string& path);

}  // namespace matrix::platform
