#include "conformance/harness/response.h"

#include <algorithm>
#include <cctype>

namespace matrix::conformance {
namespace {

constexpr std::size_t kPrintedBytesMax = 2000;

char to_lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}
bool is_same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}
bool is_unreserved(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

}  // namespace

const std::string* find_header(const Headers& headers, std::string_view name) {
    const auto header = std::ranges::find_if(
        headers, [&](const Header& candidate) { return is_same_name(candidate.name, name); });
    return header == headers.end() ? nullptr : &header->value;
}

const std::string* Response::find_header(std::string_view name) const {
    return conformance::find_header(headers, name);
}
const Json& Response::at(std::initializer_list<std::string_view> path) const {
    return at_path(body, path);
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
    if (response.status == 0) return out << "no response: " << response.failure;
    out << response.status << ' ' << response.text.substr(0, kPrintedBytesMax);
    if (response.text.size() > kPrintedBytesMax) {
        out << "... (" << response.text.size() << " bytes)";
    }
    return out;
}

const Json& at_path(const Json& value, std::initializer_list<std::string_view> path) {
    static const Json kNull;
    const Json* here = &value;
    for (const std::string_view key : path) {
        if (!here->is_object()) return kNull;
        const auto member = here->find(key);
        if (member == here->end()) return kNull;
        here = &*member;
    }
    return *here;
}

std::string string_at(const Json& value, std::initializer_list<std::string_view> path) {
    const Json& found = at_path(value, path);
    return found.is_string() ? found.get<std::string>() : std::string();
}

testing::AssertionResult has_status(const Response& response, int status) {
    if (response.status == status) return testing::AssertionSuccess() << response;
    return testing::AssertionFailure() << "expected status " << status << ", got " << response;
}

testing::AssertionResult is_error(const Response& response, int status, std::string_view errcode) {
    if (response.status == status && response.errcode == errcode) {
        return testing::AssertionSuccess() << response;
    }
    return testing::AssertionFailure()
           << "expected " << status << " with " << errcode << ", got " << response;
}

testing::AssertionResult is_error(const Response& response, std::string_view errcode) {
    if (response.is_error() && response.errcode == errcode) {
        return testing::AssertionSuccess() << response;
    }
    return testing::AssertionFailure()
           << "expected an error with " << errcode << ", got " << response;
}

std::string escape(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string escaped;
    for (const char c : text) {
        if (is_unreserved(c)) {
            escaped += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        escaped += '%';
        escaped += kHex[byte >> 4];
        escaped += kHex[byte & 15];
    }
    return escaped;
}

}  // namespace matrix::conformance
