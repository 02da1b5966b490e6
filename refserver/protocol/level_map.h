// LevelMap: what `users`, `events` and `notifications` of power levels say, by key.
//
// Read far more often than made: keys stand in one text, so that a search stays within two blocks
// of memory, and two maps are compared by walking both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace matrix {

class LevelMap {
public:
    struct Entry {
        std::string_view key;
        std::int64_t level;
        friend bool operator==(const Entry&, const Entry&) = default;
    };

    /// Keys come in ascending order of bytes, as the members of a JSON object do.
    void append(std::string_view key, std::int64_t level);

    std::size_t size() const { return slots_.size(); }
    /// In the order of keys; the key is valid as long as the map.
    Entry operator[](std::size_t index) const {
        const Slot& slot = slots_[index];
        return {{keys_.data() + slot.begin, slot.length}, slot.level};
    }
    std::optional<std::int64_t> find(std::string_view key) const;

private:
    struct Slot {
        std::uint32_t begin;
        std::uint32_t length;
        std::int64_t level;
    };
    std::string keys_;
    std::vector<Slot> slots_;
};

}  // namespace matrix
