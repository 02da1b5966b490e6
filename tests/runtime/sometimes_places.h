// Places with marks of the kinds that a compiler or a linker may drop, double or share.
#pragma once

#include "refserver/base/sometimes.h"

namespace matrix {

template <class Number>
bool is_small_number(Number number) {
    SIM_SOMETIMES(number < 10, "a number of a template is small");
    return number < 10;
}

inline int pass_inline_place() {
    SIM_SOMETIMES("an inline function is called");
    return 1;
}

void pass_place_that_nobody_calls();

/// Passes the inline place, and the template with another type, from another file.
void pass_places_elsewhere();

}  // namespace matrix
