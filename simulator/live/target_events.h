// Every event that the target sends, judged: by its form, hash and signature, by our servers, and
// by the literal oracle.
#pragma once

#include "simulator/live/views.h"

namespace matrix::live {

/// What the witness was sent of a room, by whomever.
std::vector<EventId> list_sent_events(Arena& arena, const LiveRoom& room);

/// `view` is what one of our servers has of the room.
void check_target_events(Arena& arena, const LiveRoom& room, const OurView& view);

}  // namespace matrix::live
