#include "simulator/reachability.h"

#include <algorithm>
#include <set>

namespace matrix::simulator {

std::vector<std::string> list_reached_names() {
    std::set<std::string> names;
    for (const SometimesMark& mark : all_sometimes_marks()) {
        if (mark.is_reached()) names.emplace(mark.name());
    }
    return {names.begin(), names.end()};
}

std::vector<SometimesPlace> list_unreached_places(const std::vector<std::string>& reached) {
    const std::set<std::string, std::less<>> names(reached.begin(), reached.end());
    std::vector<SometimesPlace> places = list_sometimes_places();
    std::erase_if(places, [&](const SometimesPlace& place) { return names.contains(place.name); });
    for (SometimesPlace& place : places)
        place.is_reached = false;  // What this process has reached is not what was asked.
    return places;
}

json::Array write_places(const std::vector<SometimesPlace>& places) {
    json::Array array;
    for (const SometimesPlace& place : places) {
        array.push_back(json::Object{{"file", place.file},
                                     {"line", std::int64_t{place.line}},
                                     {"name", place.name},
                                     {"reached", place.is_reached}});
    }
    return array;
}

}  // namespace matrix::simulator
