// Numbers for texts: the first one that is added is 0, the next one 1, and so on.
//
// Texts are kept side by side in one piece of memory, and looking one up allocates nothing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/base/assert.h"

namespace matrix {

class TextIndex {
public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    /// `kNone` if the text was not added.
    std::uint32_t find(std::string_view text) const {
        if (slots_.empty()) return kNone;
        const std::uint64_t hash = hash_of(text);
        for (std::size_t place = hash & mask();; place = (place + 1) & mask()) {
            const Slot& slot = slots_[place];
            if (slot.number == kNone) return kNone;
            if (slot.tag == tag_of(hash) && this->text(slot.number) == text) return slot.number;
        }
    }
    /// The same for many texts, whose look-ups wait for the memory together and not one by one.
    void find_all(std::span<const std::string_view> texts, std::span<std::uint32_t> numbers) const {
        constexpr std::size_t kTogether = 16;
        std::array<std::uint64_t, kTogether> hashes;
        for (std::size_t begin = 0; begin < texts.size(); begin += kTogether) {
            const auto batch = texts.subspan(begin, std::min(kTogether, texts.size() - begin));
            for (std::size_t place = 0; place < batch.size() && !slots_.empty(); ++place) {
                hashes[place] = hash_of(batch[place]);
                __builtin_prefetch(&slots_[hashes[place] & mask()]);
            }
            for (std::size_t place = 0; place < batch.size() && !slots_.empty(); ++place) {
                const Slot& slot = slots_[hashes[place] & mask()];
                if (slot.number != kNone) __builtin_prefetch(text(slot.number).data());
            }
            for (std::size_t place = 0; place < batch.size(); ++place)
                numbers[begin + place] = find(batch[place]);
        }
    }
    /// Its number; adds it if it is new.
    std::uint32_t intern(std::string_view text) {
        const std::uint32_t known = find(text);
        return known != kNone ? known : add(text);
    }
    /// Adds a text that is not here yet.
    std::uint32_t add(std::string_view text) {
        MATRIX_ASSERT(bytes_.size() + text.size() < kNone);
        const auto number = static_cast<std::uint32_t>(size());
        bytes_.append(text);
        ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
        if (kSlotsPerText * ends_.size() > slots_.size()) {
            grow(ends_.size());
        } else {
            place(number);
        }
        return number;
    }

    /// Makes room for so many texts of so many bytes together, so that none of them costs more than
    /// another.
    void reserve(std::size_t texts, std::size_t bytes) {
        bytes_.reserve(bytes);
        ends_.reserve(texts);
        if (slots_.size() < kSlotsPerText * texts) grow(texts);
    }

    /// Valid until a text is added.
    std::string_view text(std::uint32_t number) const {
        const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
        return std::string_view(bytes_).substr(begin, ends_[number] - begin);
    }
    std::size_t size() const { return ends_.size(); }
    void clear() {
        bytes_.clear();
        ends_.clear();
        slots_.clear();
    }

private:
    static constexpr std::size_t kSlotsPerText = 2;  // At least: at most half of them are used.
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t number = kNone;
    };

    // Eight bytes at a time; nothing but the time of a look-up depends on it.
    static std::uint64_t hash_of(std::string_view text) {
        constexpr std::uint64_t kFactor = 0x9fb21c651e98df25;
        constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
        std::uint64_t hash = text.size() * kFactor;
        const auto mix = [&](const char* bytes) {
            std::uint64_t word;
            std::memcpy(&word, bytes, kWordBytes);
            hash = (hash ^ word) * kFactor;
            hash ^= hash >> 29;
        };
        std::size_t place = 0;
        for (; place + kWordBytes <= text.size(); place += kWordBytes)
            mix(text.data() + place);
        if (place < text.size() && text.size() >= kWordBytes) {
            mix(text.data() + text.size() - kWordBytes);  // The last word overlaps.
        } else {
            for (; place < text.size(); ++place)
                hash = (hash ^ static_cast<unsigned char>(text[place])) * kFactor;
        }
        return hash ^ hash >> 32;
    }
    static std::uint32_t tag_of(std::uint64_t hash) {
        return static_cast<std::uint32_t>(hash >> 32);
    }
    std::size_t mask() const { return slots_.size() - 1; }

    void place(std::uint32_t number) {
        const std::uint64_t hash = hash_of(text(number));
        std::size_t place = hash & mask();
        while (slots_[place].number != kNone)
            place = (place + 1) & mask();
        slots_[place] = {tag_of(hash), number};
    }
    void grow(std::size_t texts) {
        slots_.assign(std::bit_ceil(kSlotsPerText * texts), Slot{});
        for (std::uint32_t number = 0; number < ends_.size(); ++number)
            place(number);
    }

    std::string bytes_;
    std::vector<std::uint32_t> ends_;
    std::vector<Slot> slots_;
};

}  // namespace matrix
