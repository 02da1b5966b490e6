#include "refserver/engine/rooms/room_summary.h"

#include <set>
#include <utility>

namespace matrix::engine {
namespace {

constexpr std::size_t kHeroesMax = 5;

bool has_text(const Room& room, const State& state, std::string_view type, std::string_view field) {
    const EventId* id = state.find(type, "");
    const auto stored = id ? room.find_event(*id) : nullptr;
    if (!stored) return false;
    const json::Value content(stored->event->parse_content());
    const std::string* text = content.find_string(field);
    return text && !text->empty();
}

}  // namespace

bool is_named(const Room& room, const State& state) {
    return has_text(room, state, "m.room.name", "name") ||
           has_text(room, state, "m.room.canonical_alias", "alias");
}

RoomSummary summarize(const Room& room, const State& state, const UserId& reader) {
    const Room::MemberCounts counts = room.count_members(state);
    RoomSummary summary{.is_named = is_named(room, state),
                        .heroes = {},
                        .joined = counts.joined,
                        .invited = counts.invited};
    if (summary.is_named) return summary;

    // In the order of the stream, those who are there before those who are gone.
    std::set<std::pair<StreamPosition, UserId>> present;
    std::set<std::pair<StreamPosition, UserId>> gone;
    state.for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
        const auto stored = room.find_event(id);
        const auto membership = stored ? stored->event->membership() : std::nullopt;
        if (!membership || key.state_key == reader.view()) return;
        const bool is_there = *membership == Membership::Join || *membership == Membership::Invite;
        (is_there ? present : gone).emplace(stored->position, UserId(key.state_key));
    });
    for (const auto& [position, user] : present.empty() ? gone : present) {
        if (summary.heroes.size() < kHeroesMax) summary.heroes.push_back(user);
    }
    return summary;
}

}  // namespace matrix::engine
