// Sets of quirks in the order of their size.

#include "conformance/oracle/classifier.h"

namespace matrix::oracle {
namespace {

std::vector<std::vector<Quirk>> list_quirk_sets(std::size_t size) {
    std::vector<std::vector<Quirk>> sets = {{}};
    for (std::size_t count = 0; count < size; ++count) {
        std::vector<std::vector<Quirk>> longer;
        for (const std::vector<Quirk>& set : sets) {
            for (const QuirkRow& row : quirk_table()) {
                if (!set.empty() && row.quirk <= set.back()) continue;
                longer.push_back(set);
                longer.back().push_back(row.quirk);
            }
        }
        sets = std::move(longer);
    }
    return sets;
}

}  // namespace

std::optional<std::vector<Quirk>> classify(const Room& room,
                                           const std::vector<StateMap>& states,
                                           const std::vector<EventId>& answer,
                                           const Options& options) {
    for (std::size_t size = 0; size <= kQuirksTogetherMax; ++size) {
        for (const std::vector<Quirk>& set : list_quirk_sets(size)) {
            Options with_quirks = options;
            for (const Quirk quirk : set)
                with_quirks.quirks.insert(quirk);
            if (list_event_ids(resolve(room, states, with_quirks).state) == answer) return set;
        }
    }
    return std::nullopt;
}

}  // namespace matrix::oracle
