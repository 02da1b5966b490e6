// Streams of choices.

#include "tests/generators/choices.h"

#include "refserver/base/assert.h"

namespace matrix::generators {

Choices Choices::from_seed(std::uint64_t seed) {
    Choices choices;
    choices.is_endless_ = true;
    choices.state_ = seed;
    return choices;
}

Choices Choices::from_numbers(std::vector<std::uint32_t> numbers) {
    Choices choices;
    choices.numbers_ = std::move(numbers);
    return choices;
}

Choices Choices::from_bytes(std::string_view bytes) {
    Choices choices;
    choices.is_of_bytes_ = true;
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        const auto high = static_cast<unsigned char>(bytes[at]);
        const auto low = static_cast<unsigned char>(bytes[at + 1]);
        choices.numbers_.push_back(std::uint32_t{high} << 8 | low);
    }
    return choices;
}

namespace {

// SplitMix64: small, and the same everywhere.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t number = state += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

}  // namespace

std::uint64_t Choices::below(std::uint64_t n) {
    MATRIX_ASSERT(n > 0);
    if (is_endless_) return next_random(state_) % n;
    constexpr std::uint64_t kTwoBytes = std::uint64_t{1} << 16;
    std::uint64_t number = take_number();
    if (is_of_bytes_ && n > kTwoBytes) number = number * kTwoBytes + take_number();
    return number % n;
}

std::uint64_t Choices::take_number() {
    return next_ < numbers_.size() ? numbers_[next_++] : 0;
}

}  // namespace matrix::generators
