#include "refserver/runtime/log_line.h"

#include <algorithm>

namespace matrix::runtime {
namespace {

// Printable ASCII that can be read back: what is escaped begins with a backslash.
std::string escape_bytes(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string escaped;
    for (const char c : text.substr(0, kLogValueBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\') {
            escaped += "\\\\";
        } else if (byte >= 0x20 && byte < 0x7f) {
            escaped += c;
        } else {
            escaped += "\\x";
            escaped += kHex[byte >> 4];
            escaped += kHex[byte & 15];
        }
    }
    if (text.size() > kLogValueBytesMax) escaped += "...";
    return escaped;
}

bool is_plain(char c) {
    constexpr std::string_view kSigns = "!#$&*+-./:@[]^_~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSigns.contains(c);
}

std::string text_value(std::string_view value) {
    const std::string escaped = escape_bytes(value);
    if (!escaped.empty() && std::ranges::all_of(escaped, is_plain)) return escaped;
    std::string quoted = "\"";
    for (const char c : escaped) {
        if (c == '"') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

// Of printable ASCII only these two have to be escaped.
std::string json_string(std::string_view value) {
    std::string quoted = "\"";
    for (const char c : escape_bytes(value)) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace

std::string log_text(const LogLine& line) {
    std::string text(line.kind.name);
    for (const LogField& field : line.fields) {
        text += ' ';
        text += field.key;
        text += '=';
        text += field.number ? std::to_string(*field.number) : text_value(field.text);
    }
    return text;
}

std::string log_json_members(const LogLine& line) {
    std::string members = "\"name\":" + json_string(line.kind.name);
    for (const LogField& field : line.fields) {
        members += ',';
        members += json_string(field.key);
        members += ':';
        members += field.number ? std::to_string(*field.number) : json_string(field.text);
    }
    return members;
}

}  // namespace matrix::runtime
