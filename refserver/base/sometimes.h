// Marks for what happens sometimes: in any one run or in none, but surely in a good campaign.
//
// An assertion says what always holds; a mark says what a test campaign must have seen, so that a
// campaign that has seen nothing of it is not believed. A mark lists itself by standing in the
// code, reached or not: the marks of a program lie side by side in a section of it, and nothing
// runs at its start. What is never compiled, as a template that nobody instantiates, is no part of
// it. Nothing that a program decides may depend on a mark.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace matrix {

/// One place in the code. Made by `SIM_SOMETIMES` alone.
class SometimesMark {
public:
    constexpr SometimesMark(const char* name, const char* file, std::uint32_t line)
        : name_(name), file_(file), line_(line) {}
    SometimesMark(const SometimesMark&) = delete;
    SometimesMark& operator=(const SometimesMark&) = delete;

    /// Writes once only, so that threads that pass by do not take the memory from each other.
    void reach() {
        if (!is_reached()) is_reached_.store(true, std::memory_order_relaxed);
    }
    void forget() { is_reached_.store(false, std::memory_order_relaxed); }
    bool is_reached() const { return is_reached_.load(std::memory_order_relaxed); }

    std::string_view name() const { return name_; }
    /// Relative to the root of the repository.
    std::string_view file() const {
        constexpr std::string_view kThisFile = "refserver/base/sometimes.h";
        constexpr std::string_view kHere = __FILE__;
        constexpr std::string_view kRoot = kHere.substr(0, kHere.size() - kThisFile.size());
        std::string_view file = file_;
        if (file.starts_with(kRoot)) file.remove_prefix(kRoot.size());
        return file;
    }
    std::uint32_t line() const { return line_; }

private:
    const char* name_;
    const char* file_;
    std::uint32_t line_;
    std::atomic<bool> is_reached_ = false;
};

// The linker's names for the two ends of the section. Weak: a program may have no marks.
extern SometimesMark first_sometimes_mark[] __asm__("__start_matrix_sometimes")
    __attribute__((weak, visibility("hidden")));
extern SometimesMark end_of_sometimes_marks[] __asm__("__stop_matrix_sometimes")
    __attribute__((weak, visibility("hidden")));

/// All marks of this program as they lie in memory. A place in a template or in an inline function
/// may have several.
inline std::span<SometimesMark> all_sometimes_marks() {
    return {first_sometimes_mark, end_of_sometimes_marks};
}

/// Before a run of a process that makes several.
inline void forget_sometimes_marks() {
    for (SometimesMark& mark : all_sometimes_marks())
        mark.forget();
}

/// A place with a mark, as a report shows it.
struct SometimesPlace {
    std::string_view file;  ///< Relative to the root of the repository.
    std::uint32_t line = 0;
    std::string_view name;
    bool is_reached = false;  ///< Since the marks were forgotten last, or the program started.
};

/// Each place once, in the order of files and lines.
inline std::vector<SometimesPlace> list_sometimes_places() {
    const auto key = [](const SometimesPlace& place) {
        return std::tie(place.file, place.line, place.name);
    };
    std::vector<SometimesPlace> places;
    for (const SometimesMark& mark : all_sometimes_marks())
        places.push_back({mark.file(), mark.line(), mark.name(), mark.is_reached()});
    std::ranges::sort(places, {}, key);
    std::vector<SometimesPlace> merged;
    for (const SometimesPlace& place : places) {
        if (merged.empty() || key(merged.back()) != key(place)) {
            merged.push_back(place);
        } else {
            merged.back().is_reached |= place.is_reached;
        }
    }
    return merged;
}

}  // namespace matrix

// `retain`: also when the linker drops what nothing refers to. `used`: also when the compiler sees
// that the code around it is never called.
#define MATRIX_SOMETIMES_MARK_(name)                        \
    static constinit ::matrix::SometimesMark sometimes_mark \
        __attribute__((used, retain, section("matrix_sometimes"))) (name, __FILE__, __LINE__)
#define MATRIX_SOMETIMES_HERE_(name)  \
    ([] {                             \
        MATRIX_SOMETIMES_MARK_(name); \
        sometimes_mark.reach();       \
    }())
#define MATRIX_SOMETIMES_IF_(condition, name) \
    ((condition) ? MATRIX_SOMETIMES_HERE_(name) : static_cast<void>(0))
#define MATRIX_SOMETIMES_CHOOSE_(first, second, chosen, ...) chosen

/// `SIM_SOMETIMES("a conflict is decided by the mainline");` or, where no branch is at hand,
/// `SIM_SOMETIMES(is_cut, "a list is cut");`. The name is a literal, in lower case and in the
/// present tense, and no other place of the program has it. A condition with a comma stands in
/// parentheses.
#define SIM_SOMETIMES(...)                                                                 \
    MATRIX_SOMETIMES_CHOOSE_(__VA_ARGS__, MATRIX_SOMETIMES_IF_, MATRIX_SOMETIMES_HERE_, 0) \
    (__VA_ARGS__)
