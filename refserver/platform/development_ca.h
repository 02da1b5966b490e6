// DevelopmentCa: a certificate authority for tests and for trying things out on one machine.
//
// It lives in a folder (`ca.pem`, `ca-key.pem`), so that several processes sign with it and trust
// it. Whoever can read the folder can impersonate every server that trusts the authority.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>

#include "refserver/platform/certificate.h"

namespace matrix::platform {

class DevelopmentCa {
public:
    /// Reads the authority in `folder`, or makes one there (P-256, ten years). Safe when several
    /// processes start at once.
    static std::expected<DevelopmentCa, std::string> open(const std::string& folder);
    /// An authority that is written nowhere.
    static DevelopmentCa make();

    DevelopmentCa(DevelopmentCa&&) noexcept;
    DevelopmentCa& operator=(DevelopmentCa&&) noexcept;
    ~DevelopmentCa();

    /// What others must trust.
    const std::string& certificate_pem() const { return certificate_pem_; }

    /// A certificate for these DNS names and IP addresses, valid from yesterday for a year.
    ServerCertificate issue(std::span<const std::string> names) const;

private:
    struct Keys;
    DevelopmentCa(std::unique_ptr<Keys> keys, std::string certificate_pem);

    std::unique_ptr<Keys> keys_;
    std::string certificate_pem_;
};

}  // namespace matrix::platform
