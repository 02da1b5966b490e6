#include "tests/protocol/bench/large_room.h"

#include <charconv>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::testing {
namespace {

// The first events; from `kFirstFree` on, power levels and memberships alternate by rule.
constexpr std::size_t kCreate = 0;
constexpr std::size_t kCreatorJoin = 1;
constexpr std::size_t kFirstPowerLevels = 2;
constexpr std::size_t kJoinRules = 3;
constexpr std::size_t kFirstFree = 4;

constexpr const char* kCreateId = "$create:a";
constexpr std::size_t kNumberDigits = 10;

// As long as a hash, with a beginning that says nothing about its place in the room.
EventId id_of(std::size_t number) {
    if (number == kCreate) return EventId(kCreateId);
    std::string text = "$";
    std::uint64_t mixed = number * 0x9e3779b97f4a7c15;
    for (int digit = 0; digit < 33; ++digit, mixed = mixed * 0x2545f4914f6cdd1d + 1)
        text.push_back("abcdefghijklmnopqrstuvwxyz012345"[mixed >> 59]);
    const std::string digits = std::to_string(number);
    return EventId(text + std::string(kNumberDigits - digits.size(), '0') + digits);
}

}  // namespace

LargeRoom::LargeRoom(const RoomRules& rules, const Size& size)
    : rules_(rules), memberships_(size.members, kNobody), power_levels_(kFirstPowerLevels) {
    MATRIX_ASSERT(size.members > 1 && size.events >= kFirstFree + size.members);
    plans_.resize(kFirstFree);
    memberships_[0] = kCreatorJoin;
    const std::size_t period = size.events / size.power_levels;
    for (auto number = static_cast<std::uint32_t>(kFirstFree); number < size.events; ++number) {
        if (number % period == period - 1) {
            plans_.push_back({kNobody, std::exchange(power_levels_, number), kNobody});
            continue;
        }
        const auto member = static_cast<std::uint32_t>(1 + number % (size.members - 1));
        plans_.push_back({member, power_levels_, std::exchange(memberships_[member], number)});
    }
}

std::string LargeRoom::user(std::size_t member) {
    return "@member-" + std::to_string(member) + ":server.example";
}

json::Object LargeRoom::levels(std::size_t moderator) const {
    json::Object users{{user(moderator), 50}};
    if (!rules_.has_privileged_creators) users.set(user(0), 100);
    return {{"users", users}, {"state_default", 0}};
}

EventPtr LargeRoom::make(std::size_t number) const {
    const Plan& plan = plans_[number];
    AbstractEvent event{.id = id_of(number).text(),
                        .type = "m.room.member",
                        .state_key = "",
                        .sender = user(plan.member == kNobody ? 0 : plan.member),
                        .content = {{"membership", "join"}},
                        .origin_server_ts = static_cast<std::int64_t>(1'000 + number),
                        .prev_events = {number == kCreatorJoin ? kCreateId : "$before"}};
    const auto cite = [&](std::size_t cited) { event.auth_events.push_back(id_of(cited).text()); };
    if (number != kCreate && rules_.event_format != EventFormat::HashedRoomId) cite(kCreate);
    if (number == kCreate) {
        event.type = "m.room.create";
        event.content = {};
        if (rules_.has_creator_in_content) event.content.set("creator", user(0));
        event.prev_events.clear();
    } else if (number == kCreatorJoin) {
        event.state_key = user(0);
    } else if (plan.member != kNobody) {
        event.state_key = user(plan.member);
        cite(plan.power_levels);
        cite(kJoinRules);
        if (plan.membership != kNobody) cite(plan.membership);
    } else {
        event.type = number == kJoinRules ? "m.room.join_rules" : "m.room.power_levels";
        event.content =
            number == kJoinRules ? json::Object{{"join_rule", "public"}} : levels(1 + number % 7);
        cite(kCreatorJoin);
        if (number == kJoinRules) cite(kFirstPowerLevels);
        if (number >= kFirstFree) cite(plan.power_levels);
    }
    return make_abstract_event(event, rules_);
}

EventPtr LargeRoom::find(const EventId& id) const {
    if (const auto added = added_.find(id); added != added_.end()) return added->second;
    if (id.view() == kCreateId) return make(kCreate);
    if (id.text().size() <= kNumberDigits) return nullptr;
    std::size_t number = 0;
    const std::string_view digits = id.view().substr(id.text().size() - kNumberDigits);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number < plans_.size() && id == id_of(number) ? make(number) : nullptr;
}

FindEvent LargeRoom::finder() const {
    return [this](const EventId& id) { return auth::CitedEvent{.event = find(id)}; };
}

EventId LargeRoom::newest_power_levels() const {
    return id_of(power_levels_);
}
EventId LargeRoom::newest_membership(std::size_t member) const {
    return id_of(memberships_[member]);
}
EventId LargeRoom::join_rules() const {
    return id_of(kJoinRules);
}

State LargeRoom::state() const {
    std::vector<std::pair<StateKey, EventId>> entries{
        {{"m.room.create", ""}, id_of(kCreate)},
        {{"m.room.power_levels", ""}, newest_power_levels()},
        {{"m.room.join_rules", ""}, join_rules()}};
    for (std::size_t member = 0; member < memberships_.size(); ++member)
        entries.emplace_back(StateKey{"m.room.member", user(member)}, newest_membership(member));
    return State::make(entries);
}

EventId LargeRoom::add(const NewEvent& event) {
    constexpr std::size_t kIdLength = 44;
    std::string id = "$" + event.label;
    id.resize(kIdLength, '-');
    AbstractEvent made{
        .id = id,
        .type = event.type,
        .state_key = event.state_key,
        .sender = user(event.sender),
        .content = event.content,
        .origin_server_ts = static_cast<std::int64_t>(2'000 + plans_.size() + added_.size()),
        .prev_events = {"$before"}};
    if (rules_.event_format != EventFormat::HashedRoomId) made.auth_events.push_back(kCreateId);
    for (const EventId& cited : event.auth_events)
        made.auth_events.push_back(cited.text());
    const EventPtr parsed = make_abstract_event(made, rules_);
    added_[parsed->id] = parsed;
    return parsed->id;
}

}  // namespace matrix::testing
