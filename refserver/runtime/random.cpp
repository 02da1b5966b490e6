#include "refserver/runtime/random.h"

namespace matrix::runtime {

std::string Random::bytes(std::size_t count) {
    std::string result;
    result.reserve(count + 7);
    while (result.size() < count) {
        std::uint64_t draw = bits();
        for (int byte = 0; byte < 8; ++byte) {
            result.push_back(static_cast<char>(draw & 0xff));
            draw >>= 8;
        }
    }
    result.resize(count);
    return result;
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
    std::string result;
    result.reserve(length);
    while (result.size() < length)
        result.push_back(alphabet[below(alphabet.size())]);
    return result;
}

}  // namespace matrix::runtime
