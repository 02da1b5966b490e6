// Where two runs of one scenario part, found in the records that their traces wrote.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>

namespace matrix::simulator {

/// The first record that differs. The records before it are the same.
struct Divergence {
    std::uint64_t line = 0;    ///< Of both files, from 1 on.
    std::int64_t time_us = 0;  ///< Virtual; of whichever record there is.
    int server = 0;            ///< Whose turn it was; -1: the world's.
    std::string first;         ///< A JSON line; empty: that run had ended.
    std::string second;
};

/// Nothing: both hold the same records.
std::optional<Divergence> find_divergence(std::istream& first, std::istream& second);

/// For people: time and server, then both records. Of long ones only the part around the byte in
/// which they differ is shown.
std::string describe(const Divergence& divergence);

}  // namespace matrix::simulator
