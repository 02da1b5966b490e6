// HttpsUrl: where a redirect leads, if it leads to HTTPS.
//
// Spec: RFC 3986
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "refserver/protocol/identifiers.h"

namespace matrix::engine {

struct HttpsUrl {
    HostAndPort host;
    std::string target;  ///< Path and query, beginning with "/".

    std::string text() const;
};

/// A `Location` field seen from `base`: an absolute URL, or a relative reference. The error says
/// what was expected; other schemes, user names and passwords are refused.
std::expected<HttpsUrl, std::string> resolve_location(const HttpsUrl& base,
                                                      std::string_view location);

}  // namespace matrix::engine
