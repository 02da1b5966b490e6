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

/// Nothing unless `text` is base64 of one alphabet, with or without correct padding.
///
/// UNSPECIFIED: unused last bits that are not zero are ignored, because the specification's own
/// test seed has such; so two texts may decode to the same bytes, and ids are compared as texts.
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64_url(std::string_view text);

}  // namespace matrix
