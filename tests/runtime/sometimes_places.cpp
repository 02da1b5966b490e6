#include "tests/runtime/sometimes_places.h"

namespace matrix {

// A linker that collects garbage drops it.
void pass_place_that_nobody_calls() {
    SIM_SOMETIMES("a function that nobody calls is called");
}

void pass_places_elsewhere() {
    pass_inline_place();
    is_small_number(1L);
}

}  // namespace matrix
