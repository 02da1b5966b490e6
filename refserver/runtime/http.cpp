#include "refserver/runtime/http.h"

#include <algorithm>

namespace matrix::runtime {

const std::string* Headers::find(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (equal_ignoring_case(field, name)) return &value;
    }
    return nullptr;
}

std::vector<std::string> Headers::find_all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [field, value] : fields_) {
        if (equal_ignoring_case(field, name)) values.push_back(value);
    }
    return values;
}

namespace {

// Not std::tolower: it depends on the locale.
char to_lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower_ascii, to_lower_ascii);
}

}  // namespace matrix::runtime
