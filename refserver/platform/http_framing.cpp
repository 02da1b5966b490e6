#include "refserver/platform/http_framing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace matrix::platform {
namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

}  // namespace

HeadScanner::Progress HeadScanner::scan(std::string_view bytes) {
    for (; scanned_ < bytes.size(); ++scanned_) {
        const char c = bytes[scanned_];
        const char before = scanned_ > 0 ? bytes[scanned_ - 1] : '\0';
        // A line ends with CRLF and nothing else: others may see a line where we see none.
        if ((c == '\n') != (before == '\r')) return Progress::Malformed;
        if (is_control(c) && c != '\r' && c != '\n' && c != '\t') return Progress::Malformed;
        if (c == '\n' && bytes.substr(0, scanned_ + 1).ends_with("\r\n\r\n")) {
            ++scanned_;
            return Progress::Complete;
        }
    }
    return Progress::Incomplete;
}

std::optional<Refusal> check_lines(std::string_view head, std::size_t fields_max) {
    const bool is_folded = head.find("\r\n ") != std::string_view::npos ||
                           head.find("\r\n\t") != std::string_view::npos;
    if (is_folded) return Refusal{400, "a header field is folded over several lines"};
    // The request line and the empty line are not fields.
    const auto lines = static_cast<std::size_t>(std::ranges::count(head, '\n'));
    if (lines > fields_max + 2) return Refusal{431, "too many header fields"};
    return std::nullopt;
}

namespace {

std::optional<Refusal> check_length(const RequestHead& head) {
    const auto encodings = head.headers.find_all("Transfer-Encoding");
    const auto lengths = head.headers.find_all("Content-Length");
    if (!encodings.empty()) {
        if (encodings.size() > 1 || !runtime::equal_ignoring_case(encodings.front(), "chunked")) {
            return Refusal{400, "the only transfer encoding is one \"chunked\""};
        }
        if (head.version == HttpVersion::Http10) {
            return Refusal{400, "HTTP/1.0 has no transfer encoding"};
        }
        if (!lengths.empty()) return Refusal{400, "both Content-Length and Transfer-Encoding"};
    }
    if (lengths.size() > 1) return Refusal{400, "more than one Content-Length"};
    if (lengths.size() == 1) {
        std::size_t length = 0;
        const char* end = lengths.front().data() + lengths.front().size();
        const auto [parsed, error] = std::from_chars(lengths.front().data(), end, length);
        if (error != std::errc() || parsed != end) {
            return Refusal{400, "Content-Length is not a number"};
        }
    }
    return std::nullopt;
}

bool is_host(std::string_view host) {
    return std::ranges::all_of(host, [](char c) {
        return is_alphanumeric(c) || std::string_view("-._~:%[]!$&'()*+;=").contains(c);
    });
}

std::optional<Refusal> check_host(const RequestHead& head) {
    const auto hosts = head.headers.find_all("Host");
    if (hosts.size() > 1) return Refusal{400, "more than one Host"};
    if (hosts.empty() && head.version == HttpVersion::Http11) return Refusal{400, "no Host"};
    if (!hosts.empty() && !is_host(hosts.front())) return Refusal{400, "Host is not a host"};
    return std::nullopt;
}

std::size_t find_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() > scheme.size() &&
            runtime::equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            return scheme.size();
        }
    }
    return 0;
}

std::optional<Refusal> check_target(const RequestHead& head) {
    const bool is_visible = std::ranges::all_of(head.target, [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
    });
    if (!is_visible) return Refusal{400, "the request target holds a byte that must be encoded"};
    if (head.target.contains('#')) return Refusal{400, "the request target has a fragment"};
    if (head.target.starts_with('/')) return std::nullopt;
    if (const std::size_t authority = find_authority(head.target); authority > 0) {
        const std::string_view rest = std::string_view(head.target).substr(authority);
        const std::string_view host = rest.substr(0, rest.find_first_of("/?"));
        if (host.empty() || !is_host(host)) return Refusal{400, "the target's host is not a host"};
        return std::nullopt;
    }
    if (head.target == "*" && head.method == "OPTIONS") return std::nullopt;
    return Refusal{400, "the request target does not begin with a slash"};
}

}  // namespace

std::optional<Refusal> check_head(const RequestHead& head) {
    if (auto refusal = check_length(head)) return refusal;
    if (auto refusal = check_host(head)) return refusal;
    return check_target(head);
}

void resolve_absolute_target(RequestHead& head) {
    const std::size_t authority = find_authority(head.target);
    if (authority == 0) return;
    const std::size_t path =
        std::min(head.target.find_first_of("/?", authority), head.target.size());
    std::string host = head.target.substr(authority, path - authority);
    std::string target = head.target.substr(path);
    if (!target.starts_with('/')) target.insert(target.begin(), '/');
    head.target = std::move(target);

    runtime::Headers headers;
    headers.add("Host", std::move(host));
    for (const auto& [name, value] : head.headers) {
        if (!runtime::equal_ignoring_case(name, "Host")) headers.add(name, value);
    }
    head.headers = std::move(headers);
}

Expectation find_expectation(const RequestHead& head) {
    const std::string* expected = head.headers.find("Expect");
    if (expected == nullptr || head.version == HttpVersion::Http10) return Expectation::None;
    return runtime::equal_ignoring_case(*expected, "100-continue") ? Expectation::Continue
                                                                   : Expectation::Unknown;
}

namespace {

// The phrase is for people who read a trace; no program does.
std::string_view reason_phrase(int status) {
    constexpr std::array<std::pair<int, std::string_view>, 31> kPhrases{{
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    }};
    const auto phrase =
        std::ranges::find(kPhrases, status, &std::pair<int, std::string_view>::first);
    return phrase == kPhrases.end() ? std::string_view() : phrase->second;
}

bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 5> kOurs{
        "Content-Length", "Transfer-Encoding", "Connection", "Date", "Trailer"};
    return std::ranges::any_of(
        kOurs, [name](std::string_view ours) { return runtime::equal_ignoring_case(name, ours); });
}

}  // namespace

std::optional<std::string> format_response_head(const runtime::HttpResponse& response,
                                                AfterAnswer after,
                                                std::string_view date) {
    if (response.status < 200 || response.status > 599) return std::nullopt;
    std::string head = "HTTP/1.1 ";
    head.append(std::to_string(response.status)).append(" ");
    head.append(reason_phrase(response.status)).append("\r\n");
    for (const auto& [name, value] : response.headers) {
        if (!is_field_name(name) || !is_field_value(value)) return std::nullopt;
        if (!is_ours(name)) head.append(name).append(": ").append(value).append("\r\n");
    }
    head.append("Date: ").append(date).append("\r\n");
    if (may_have_body(response.status)) {
        head.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    if (after == AfterAnswer::Close) head.append("Connection: close\r\n");
    return head.append("\r\n");
}

bool may_have_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

std::string format_date(std::time_t time) {
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    const auto two_digits = [](int number) {
        return std::string(number < 10 ? "0" : "") + std::to_string(number);
    };
    return std::string(kDays[static_cast<std::size_t>(utc.tm_wday)]) + ", " +
           two_digits(utc.tm_mday) + " " + kMonths[static_cast<std::size_t>(utc.tm_mon)] + " " +
           std::to_string(1900 + utc.tm_year) + " " + two_digits(utc.tm_hour) + ":" +
           two_digits(utc.tm_min) + ":" + two_digits(utc.tm_sec) + " GMT";
}

bool is_field_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    });
}

bool is_field_value(std::string_view value) {
    return std::ranges::none_of(value, [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace matrix::platform
