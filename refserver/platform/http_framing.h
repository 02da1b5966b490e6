// HTTP/1.1 framing without I/O: where a head ends, which requests are refused, how answers look.
//
// Spec: https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/runtime/http.h"

namespace matrix::platform {

/// Why a request is refused before anyone sees it.
struct Refusal {
    int status;
    std::string_view detail;
};

/// Finds the end of a head in bytes that arrive in pieces, and what no head may hold.
class HeadScanner {
public:
    enum class Progress { Incomplete, Complete, Malformed };

    /// `bytes` is the head from its first byte; it has grown since the last call.
    Progress scan(std::string_view bytes);

    /// With the empty line, once complete.
    std::size_t head_size() const { return scanned_; }

private:
    std::size_t scanned_ = 0;
};

/// Folded lines, and too many fields. `head` is complete.
std::optional<Refusal> check_lines(std::string_view head, std::size_t fields_max);

enum class HttpVersion { Http10, Http11 };

/// A head as a parser understood it.
struct RequestHead {
    HttpVersion version = HttpVersion::Http11;
    std::string method;
    std::string target;
    runtime::Headers headers;
};

/// What two readers could take for different requests: length, encoding, host, target.
std::optional<Refusal> check_head(const RequestHead& head);

/// Turns `http://host/path` into `/path`; the host of the target replaces that of the field.
void resolve_absolute_target(RequestHead& head);

/// Does the client wait for `100 Continue`? Any other expectation is refused.
enum class Expectation { None, Continue, Unknown };
Expectation find_expectation(const RequestHead& head);

enum class AfterAnswer { KeepOpen, Close };

/// Status line and fields with the empty line. Length, date and connection are ours: the fields of
/// that name in `response` are left out. Nothing if a field would break out of its line.
std::optional<std::string> format_response_head(const runtime::HttpResponse& response,
                                                AfterAnswer after,
                                                std::string_view date);

bool may_have_body(int status);

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::string format_date(std::time_t time);

/// Is this a field's name (a token), or a value that stays in its line?
bool is_field_name(std::string_view name);
bool is_field_value(std::string_view value);

}  // namespace matrix::platform
