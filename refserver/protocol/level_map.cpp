#include "refserver/protocol/level_map.h"

#include "refserver/base/assert.h"

namespace matrix {

void LevelMap::append(std::string_view key, std::int64_t level) {
    MATRIX_ASSERT(slots_.empty() || (*this)[size() - 1].key < key);
    slots_.push_back({.begin = static_cast<std::uint32_t>(keys_.size()),
                      .length = static_cast<std::uint32_t>(key.size()),
                      .level = level});
    keys_ += key;
}

std::optional<std::int64_t> LevelMap::find(std::string_view key) const {
    std::size_t first = 0;
    std::size_t last = slots_.size();
    while (first < last) {
        const std::size_t middle = first + (last - first) / 2;
        const Entry entry = (*this)[middle];
        const int order = entry.key.compare(key);
        if (order == 0) return entry.level;
        if (order < 0) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return std::nullopt;
}

}  // namespace matrix
