// Lines that a terminal overwrites.

#include "tests/comparison/progress.h"

#include <iostream>

#include <unistd.h>

namespace matrix::comparison {
namespace {

bool is_terminal() {
    return ::isatty(STDERR_FILENO) != 0;
}

constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

void print_progress(std::string_view text) {
    if (is_terminal()) {
        std::cerr << kClearLine << text << std::flush;
    } else {
        std::cerr << text << std::endl;
    }
}

void clear_progress() {
    if (is_terminal()) std::cerr << kClearLine << std::flush;
}

}  // namespace matrix::comparison
