// A bounded map from strings to values that forgets what was used the longest time ago.
#pragma once

#include <cstddef>
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
        const auto* place = places_.find(key);
        if (!place) return nullptr;
        entries_.splice(entries_.begin(), entries_, *place);
        return &(*place)->second;
    }
    /// Inserts or replaces.
    void put(std::string_view key, Value value) {
        if (Value* known = find(key)) {
            *known = std::move(value);
            return;
        }
        entries_.emplace_front(std::string(key), std::move(value));
        places_.emplace(key, entries_.begin());
        if (entries_.size() <= size_max_) return;
        SIM_SOMETIMES("a cache forgets its oldest entry");
        places_.erase(entries_.back().first);
        entries_.pop_back();
    }
    void clear() {
        places_.clear();
        entries_.clear();
    }
    std::size_t size() const { return entries_.size(); }

private:
    using Entries = std::list<std::pair<std::string, Value>>;
    std::size_t size_max_;
    Entries entries_;  ///< The most recently used first.
    IndexMap<typename Entries::iterator> places_;
};

}  // namespace matrix::storage
