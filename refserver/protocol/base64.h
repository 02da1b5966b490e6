// Unpadded base64, in the standard and the URL-safe alphabet.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#unpadded-base64
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace matrix {

/// Without padding. `bytes` may hold anything.
std::string encode_base64(std::string_view bytes);
std::string encode_base64_url(std::string_view bytes);

/// Nothing unless `text` is base64 of one alphabet, with or without correct padding, and its unused
/// last bits are zero: two texts never decode to the same bytes.
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64_url(std::string_view text);

}  // namespace matrix
