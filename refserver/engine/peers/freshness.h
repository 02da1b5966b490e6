// Freshness: for how long an HTTP response may be believed.
//
// Spec: RFC 9111, section 4.2; dates: RFC 9110, section 5.6.7
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/http.h"

namespace matrix::engine {

/// What Cache-Control, or else Expires, allows a private cache; zero if it must not be kept.
/// Nothing if the response says nothing about it.
std::optional<runtime::Duration> find_lifetime(const runtime::Headers& headers,
                                               runtime::Timestamp now);

/// An HTTP date in its usual form, `Sun, 06 Nov 1994 08:49:37 GMT`; nothing for all else, the
/// obsolete forms included.
std::optional<runtime::Timestamp> parse_http_date(std::string_view text);

}  // namespace matrix::engine
