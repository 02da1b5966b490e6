// SHA-256.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace matrix {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes);

/// The digest's bytes, to be encoded.
inline std::string_view view(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace matrix
