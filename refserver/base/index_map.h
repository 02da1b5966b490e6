// A hash map without iterators: look-up by key in constant time, in code that must be
// deterministic.
//
// The order of a hash table depends on its history, so nothing here can be walked. Keys that have
// to be listed live in an ordered container beside it.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace matrix {

/// The same on every platform, so that even timing-driven differences replay. Eight bytes at a
/// time: event ids and SQL are hashed often. Not for keys that an attacker may choose in great
/// numbers.
inline std::uint64_t stable_hash(std::string_view bytes) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
    std::uint64_t hash = bytes.size() * kOdd;
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), sizeof(std::uint64_t));
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), size);
        if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
        hash = (hash ^ word) * kOdd;
        hash ^= hash >> 32;
        bytes.remove_prefix(size);
    }
    return hash * kOdd;
}

/// Maps strings to values. Pointers to values stay valid until the value is erased.
template <class Value>
class IndexMap {
public:
    /// Nothing when there is no such key.
    Value* find(std::string_view key) {
        const auto entry = entries_.find(key);
        return entry == entries_.end() ? nullptr : &entry->second;
    }
    const Value* find(std::string_view key) const {
        const auto entry = entries_.find(key);
        return entry == entries_.end() ? nullptr : &entry->second;
    }
    bool contains(std::string_view key) const { return find(key) != nullptr; }

    /// The value of `key`, made from `arguments` if it was absent; says which of the two.
    template <class... Arguments>
    std::pair<Value&, bool> emplace(std::string_view key, Arguments&&... arguments) {
        const auto [entry, is_new] =
            entries_.try_emplace(std::string(key), std::forward<Arguments>(arguments)...);
        return {entry->second, is_new};
    }
    /// True if there was something to erase.
    bool erase(std::string_view key) {
        const auto entry = entries_.find(key);
        if (entry == entries_.end()) return false;
        entries_.erase(entry);
        return true;
    }
    void clear() { entries_.clear(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const { return stable_hash(key); }
    };
    std::unordered_map<std::string, Value, Hash, std::equal_to<>> entries_;
};

}  // namespace matrix
