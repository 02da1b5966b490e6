// A map from small numbers to values that is emptied in no time: for work that is done over and
// over, each time on a few of many numbers.
//
// Private to state_resolution*.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace matrix {

template <class Value>
class StampedMap {
public:
    /// Null if the number has no value.
    const Value* find(std::size_t number) const {
        const bool is_here = number < entries_.size() && entries_[number].stamp == stamp_;
        return is_here ? &entries_[number].value : nullptr;
    }
    void set(std::size_t number, const Value& value) {
        make_room(number + 1);
        entries_[number] = {stamp_, value};
    }
    /// For all numbers below `limit`. False if there is enough.
    bool make_room(std::size_t limit) {
        if (limit <= entries_.size()) return false;
        entries_.resize(std::max(limit, 2 * entries_.size()));
        return true;
    }
    void clear() {
        if (++stamp_ != 0) return;
        entries_.clear();  // Once in four billion times, when stamps start again.
        stamp_ = 1;
    }

private:
    struct Entry {
        std::uint32_t stamp = 0;
        Value value{};
    };
    std::vector<Entry> entries_;
    std::uint32_t stamp_ = 1;
};

}  // namespace matrix
