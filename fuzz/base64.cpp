// Any bytes as base64 and to be written in base64.

#include "refserver/protocol/base64.h"

#include "fuzz/target.h"

namespace matrix::fuzz {
namespace {

std::string translate(std::string text, std::string_view from, std::string_view to) {
    for (char& c : text) {
        const std::size_t at = from.find(c);
        if (at != std::string_view::npos) c = to[at];
    }
    return text;
}

const char* law_broken_by(std::string_view bytes) {
    const std::string standard = encode_base64(bytes);
    const std::string url = encode_base64_url(bytes);
    if (standard.find('=') != std::string::npos) return "base64 is written without padding";
    if (translate(standard, "+/", "-_") != url) return "the alphabets differ in two characters";
    if (decode_base64(standard) != bytes || decode_base64_url(url) != bytes) {
        return "what was written is decoded to the same bytes";
    }
    const auto decoded = decode_base64(bytes);
    if (!decoded) return nullptr;
    if (bytes.find_first_of("-_") != std::string_view::npos) return "an alphabet is not mixed";
    if (decode_base64_url(translate(std::string(bytes), "+/", "-_")) != decoded) {
        return "both alphabets decode to the same bytes";
    }
    const std::string again = encode_base64(*decoded);
    const std::string_view unpadded = bytes.substr(0, bytes.find('='));
    // The last character may hold bits that are not used.
    if (again.size() != unpadded.size() || !unpadded.starts_with(std::string_view(again).substr(
                                               0, again.empty() ? 0 : again.size() - 1))) {
        return "what was decoded is written back but for unused bits";
    }
    return nullptr;
}

}  // namespace

Outcome run_base64(std::string_view bytes) {
    const char* law = law_broken_by(bytes);
    if (!law) return std::nullopt;
    return Finding{law,
                   {{"base64", encode_base64(bytes)}, {"base64_url", encode_base64_url(bytes)}}};
}

}  // namespace matrix::fuzz
