// A hash map without iterators: look-up by key in constant time, in code that must be
// deterministic.
//
// The order of a hash table depends on its history, so nothing here can be walked. Keys that have
// to be listed live in an ordered container beside it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace matrix {

/// FNV-1a: the same on every platform, so that even timing-driven differences replay.
inline std::uint64_t stable_hash(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : bytes) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return hash;
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
