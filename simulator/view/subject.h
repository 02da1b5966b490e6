// What a finding is about, read from its sentence: checkers name servers, rooms, events and keys.
#pragma once

#include <optional>
#include <vector>

#include "simulator/recording/recording.h"

namespace matrix::simulator {

struct Subject {
    std::vector<int> servers;    ///< In the order of the sentence, each once.
    std::vector<Index> events;   ///< Those that the recording knows.
    std::optional<RoomId> room;  ///< Also of the first event.
    std::optional<StateKey> key;
};

/// Understands "server 1", "servers 1 and 2", "s1.test", ids of events and rooms, and a key as
/// "(type, state_key)".
Subject find_subject(const Recording& recording, const RecordedFinding& finding);

}  // namespace matrix::simulator
