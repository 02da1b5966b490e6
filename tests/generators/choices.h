// The stream of choices from which everything random is made.
//
// RapidCheck, a fuzzer's bytes and a seed all supply such a stream. Zero is the simplest choice,
// and a stream that has ended gives zeros: a shorter stream makes a smaller room.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace matrix::generators {

class Choices {
public:
    /// Never ends.
    static Choices from_seed(std::uint64_t seed);
    static Choices from_numbers(std::vector<std::uint32_t> numbers);
    /// Two bytes make a choice, and four one of more than 65,536 possibilities.
    static Choices from_bytes(std::string_view bytes);

    /// A number below `n`, which is not 0.
    std::uint64_t below(std::uint64_t n);
    /// True in `percent` of 100 cases; false is the simpler choice.
    bool happens(std::uint64_t percent) { return below(100) >= 100 - percent; }
    template <class Item>
    const Item& among(const std::vector<Item>& items) {
        return items[below(items.size())];
    }

    /// Has the stream ended?
    bool is_exhausted() const { return !is_endless_ && next_ >= numbers_.size(); }

private:
    std::uint64_t take_number();

    std::vector<std::uint32_t> numbers_;
    std::size_t next_ = 0;
    bool is_endless_ = false;
    bool is_of_bytes_ = false;
    std::uint64_t state_ = 0;
};

}  // namespace matrix::generators
