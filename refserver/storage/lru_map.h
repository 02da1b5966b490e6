// A bounded map from strings to values that forgets what was not used for long.
//
// Nearly the least recently used: an entry that was found since it came to the old end gets another
// round. So finding only marks the entry, and reorders nothing.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/index_map.h"
#include "refserver/base/sometimes.h"

namespace matrix::storage {

template <class Value>
class LruMap {
public:
    explicit LruMap(std::size_t size_max) : size_max_(size_max) { MATRIX_ASSERT(size_max > 0); }

    /// Null when it is not, or no longer, here. Valid until the next `put`.
    Value* find(std::string_view key) {
        Entry* entry = entries_.find(key);
        if (!entry) return nullptr;
        entry->is_used = true;
        return &entry->value;
    }
    /// Inserts or replaces.
    void put(std::string_view key, Value value) {
        if (Value* known = find(key)) {
            *known = std::move(value);
            return;
        }
        if (entries_.size() >= size_max_) forget_one();
        entries_.emplace(key, std::move(value));
        keys_.emplace_front(key);
    }
    void clear() {
        entries_.clear();
        keys_.clear();
    }
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        explicit Entry(Value&& value_) : value(std::move(value_)) {}
        Value value;
        bool is_used = false;  ///< Since it was put, or since it was last spared.
    };

    /// At a time: so that no single `put` walks through a map of which everything was used.
    static constexpr int kSparedMax = 16;

    void forget_one() {
        SIM_SOMETIMES("a cache forgets its oldest entry");
        for (int spared = 0; spared < kSparedMax; ++spared) {
            Entry* oldest = entries_.find(keys_.back());
            MATRIX_ASSERT(oldest);
            if (!std::exchange(oldest->is_used, false)) break;
            keys_.splice(keys_.begin(), keys_, std::prev(keys_.end()));
        }
        entries_.erase(keys_.back());
        keys_.pop_back();
    }

    std::size_t size_max_;
    IndexMap<Entry> entries_;
    std::list<std::string> keys_;  ///< The newest, and what was spared, first.
};

}  // namespace matrix::storage
