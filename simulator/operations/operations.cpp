// What a client asks its server for: the operations of scenarios, as one table.

#include "simulator/operations/operation.h"

namespace matrix::simulator {

std::span<const Verb> operation_verbs() {
    static const std::vector<Verb> kVerbs = [] {
        std::vector<Verb> verbs;
        for (const auto table : {message_verbs(),
                                 room_verbs(),
                                 member_verbs(),
                                 presence_verbs(),
                                 device_verbs(),
                                 history_verbs()})
            verbs.insert(verbs.end(), table.begin(), table.end());
        return verbs;
    }();
    return kVerbs;
}

}  // namespace matrix::simulator
