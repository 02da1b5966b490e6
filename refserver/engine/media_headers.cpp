#include "refserver/engine/media_headers.h"

#include <algorithm>

#include "refserver/engine/field_text.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {
namespace {

constexpr std::string_view kInlineTypes[] = {
    "text/css",     "text/plain", "text/csv",    "application/json", "application/ld+json",
    "image/jpeg",   "image/gif",  "image/png",   "image/apng",       "image/webp",
    "image/avif",   "video/mp4",  "video/webm",  "video/ogg",        "video/quicktime",
    "audio/mp4",    "audio/webm", "audio/aac",   "audio/mpeg",       "audio/ogg",
    "audio/wave",   "audio/wav",  "audio/x-wav", "audio/x-pn-wav",   "audio/flac",
    "audio/x-flac",
};
constexpr std::size_t kContentTypeBytesMax = 255;
constexpr std::size_t kMediaIdBytesMax = 255;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_visible(char c) {
    return c >= 0x20 && c <= 0x7E;
}

// RFC 9110, "token".
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    });
}

// The type without its parameters in small letters; empty if that is none.
std::string essence_of(std::string_view content_type) {
    std::string essence(trim_blanks(content_type.substr(0, content_type.find(';'))));
    for (char& c : essence) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const std::size_t slash = essence.find('/');
    const bool is_valid = slash != std::string::npos &&
                          is_token(std::string_view(essence).substr(0, slash)) &&
                          is_token(std::string_view(essence).substr(slash + 1));
    return is_valid ? essence : std::string();
}

std::string file_name_parameter(const std::string& name) {
    const bool is_plain =
        std::ranges::all_of(name, [](char c) { return is_visible(c) && c != '"' && c != '\\'; });
    if (is_plain) return "; filename=\"" + name + "\"";
    return "; filename*=utf-8''" + percent_encode(name);
}

}  // namespace

MediaHeaders headers_of_media(std::string_view content_type,
                              const std::optional<std::string>& file_name) {
    const std::string_view trimmed = trim_blanks(content_type);
    const std::string essence = essence_of(trimmed);
    const bool is_safe = !essence.empty() && trimmed.size() <= kContentTypeBytesMax &&
                         std::ranges::all_of(trimmed, is_visible);
    MediaHeaders headers;
    headers.content_type = is_safe ? std::string(trimmed) : "application/octet-stream";
    const bool is_inline =
        is_safe && std::ranges::find(kInlineTypes, essence) != std::end(kInlineTypes);
    headers.content_disposition = is_inline ? "inline" : "attachment";
    if (file_name && !file_name->empty()) {
        headers.content_disposition += file_name_parameter(*file_name);
    }
    return headers;
}

bool is_media_id(std::string_view text) {
    return !text.empty() && text.size() <= kMediaIdBytesMax &&
           std::ranges::all_of(text,
                               [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

}  // namespace matrix::engine
