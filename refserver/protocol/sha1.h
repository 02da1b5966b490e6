// SHA-1: only for the order of events in room version 1, which needs no secrecy.
#pragma once

#include <array>
#include <string_view>

namespace matrix {

using Sha1 = std::array<unsigned char, 20>;

Sha1 sha1(std::string_view bytes);

}  // namespace matrix
