#include "refserver/protocol/auth_index.h"

#include <algorithm>
#include <array>

#include "refserver/base/assert.h"

namespace matrix::resolution {
namespace {

// How many events stay in memory between two resolutions, besides a few times those of the last
// conflict: a room's index may be kept for long.
constexpr std::size_t kEventsHeldMax = 2'048;
constexpr std::size_t kEventsHeldPerConflicted = 4;
// How many of those that are added are held at once, before anybody has used them.
constexpr std::size_t kNewEventsHeldMax = 1'024;

// A table that has come to the first size will come to the second one, and makes room for it: to
// move it later, when it is large, takes longer than a turn of a server may.
constexpr std::size_t kManyEvents = 16'384;
constexpr std::size_t kManyMoreEvents = 262'144;
constexpr std::size_t kRolesPerEvent = 4;  // And parents.
constexpr std::size_t kIdBytes = 44;       // From room version 3 on.

bool names_create_by_room_id(const Event& event) {
    return event.rules->event_format == EventFormat::HashedRoomId && !event.room_id.empty();
}

bool is_power_membership(const Event& event, const PowerEvents& kinds) {
    const bool is_own = *event.state_key == event.sender.view();
    const auto membership = event.membership();
    if (membership == Membership::Leave) return is_own ? kinds.own_leaves : kinds.kicks;
    if (membership == Membership::Ban) return !is_own && kinds.bans;
    if (membership == Membership::Invite) return kinds.invites;
    return membership == Membership::Join && kinds.joins;
}

// UNSPECIFIED: power levels and join rules count with any state key: the text names none.
bool is_power_event(const Event& event, const ResolutionSteps& steps) {
    if (!event.is_state()) return false;
    const PowerEvents& kinds = steps.power_events;
    const bool has_right_key =
        steps.power_event_keys == PowerEventKeys::Any || event.state_key->empty();
    if (event.type == "m.room.member") return is_power_membership(event, kinds);
    if (event.type == "m.room.power_levels") return kinds.power_levels && has_right_key;
    if (event.type == "m.room.join_rules") return kinds.join_rules && has_right_key;
    if (event.type == "m.room.create") return kinds.create;
    return event.type == "m.room.third_party_invite" && kinds.third_party_invites;
}

std::uint64_t prefix_of_id(std::string_view id) {
    std::uint64_t prefix = 0;
    for (std::size_t place = 0; place < sizeof prefix; ++place) {
        prefix = prefix << 8 | (place < id.size() ? static_cast<unsigned char>(id[place]) : 0);
    }
    return prefix;
}

}  // namespace

AuthIndex::AuthIndex(FindEvent find_event, const ResolutionSteps& steps)
    : find_event_(std::move(find_event)), steps_(steps) {
    clear();
}

void AuthIndex::clear() {
    ids_.clear();
    rows_.clear();
    parents_.clear();
    roles_.clear();
    child_edges_.clear();
    keys_.clear();
    paths_.clear();
    missing_.clear();
    held_.clear();
    pending_.clear();
    pending_ids_.clear();
    on_cycles_.clear();
    is_topological_ = true;
    ++epoch_;
    MATRIX_ASSERT(intern_key("m.room.create", "") == kCreateKey);
    MATRIX_ASSERT(intern_key("m.room.power_levels", "") == kPowerLevelsKey);
}

// An event that comes after those that cite it has no place in the table, so all are added anew.
// That is rare: events are checked, and stored, behind what they cite.
void AuthIndex::start(std::size_t recently_conflicted) {
    if (!on_cycles_.empty()) forget_pending();
    if (held_.size() > kEventsHeldMax + kEventsHeldPerConflicted * recently_conflicted) {
        for (const Index index : held_)
            rows_[index].event = nullptr;
        held_.clear();
    }
    const bool has_come = std::ranges::any_of(
        missing_, [&](const EventId& id) { return find_event_(id).event != nullptr; });
    if (has_come) clear();
}

Index AuthIndex::find(const EventId& id) {
    const Index known = ids_.find(id.view());
    if (known != kNone) return known;
    auth::CitedEvent found = find_event_(id);
    return found.event ? add(id, std::move(found)) : kNone;
}

// The entries of a large state lie all over the memory, and most are known: those of one round are
// fetched while those of the round before are looked up.
void AuthIndex::require(std::span<const State::EntryPtr* const> entries) {
    constexpr std::size_t kRound = 16;
    std::array<std::string_view, kRound> texts;
    std::array<Index, kRound> found;
    for (std::size_t begin = 0; begin < entries.size(); begin += kRound) {
        const auto round = entries.subspan(begin, std::min(kRound, entries.size() - begin));
        const auto fetch = [&](std::size_t rounds_ahead, const auto& address_of) {
            const std::size_t first = begin + rounds_ahead * kRound;
            for (std::size_t place = first; place < std::min(first + kRound, entries.size());
                 ++place) {
                __builtin_prefetch(address_of(**entries[place]));
            }
        };
        fetch(2, [](const State::Entry& entry) { return &entry.event_id; });
        fetch(1, [](const State::Entry& entry) { return entry.event_id.view().data(); });
        std::ranges::transform(round, texts.begin(), [](const State::EntryPtr* entry) {
            return (*entry)->event_id.view();
        });
        ids_.find_all(std::span(texts).first(round.size()), found);
        for (std::size_t place = 0; place < round.size(); ++place) {
            const EventId& id = (*round[place])->event_id;
            if (found[place] == kNone && find(id) == kNone) missing_.insert(id);
        }
    }
}

bool AuthIndex::require_some(const EventId& id, std::size_t& steps) {
    if (!finish_pending(steps)) return false;
    if (ids_.find(id.view()) != kNone) return true;
    auth::CitedEvent found = find_event_(id);
    if (!found.event) {
        missing_.insert(id);
        return true;
    }
    add_pending(id, std::move(found));
    return finish_pending(steps);
}

Index AuthIndex::add(const EventId& id, auth::CitedEvent found) {
    std::size_t steps = SIZE_MAX;
    finish_pending(steps);
    if (const Index known = ids_.find(id.view()); known != kNone) return known;
    add_pending(id, std::move(found));
    finish_pending(steps);
    return ids_.find(id.view());
}

// Depth first, without recursion: chains of auth events are as long as rooms are old.
bool AuthIndex::finish_pending(std::size_t& steps) {
    while (!pending_.empty()) {
        if (steps == 0) return false;
        --steps;
        const EventId* needed = next_needed(pending_.back());
        if (!needed) {
            append(pending_.back());
            pending_.pop_back();
            continue;
        }
        auth::CitedEvent next = find_event_(*needed);
        if (next.event) {
            add_pending(*needed, std::move(next));
        } else {
            missing_.insert(*needed);
        }
    }
    for (const Index index : on_cycles_) {
        link(index, *find_event(index));
        describe(index, *find_event(index));
    }
    on_cycles_.clear();
    return true;
}

// What was added is whole; but events on a cycle, of which some are pending.
void AuthIndex::forget_pending() {
    if (!on_cycles_.empty()) return clear();
    pending_.clear();
    pending_ids_.clear();
}

void AuthIndex::add_pending(const EventId& id, auth::CitedEvent found) {
    MATRIX_ASSERT(found.event->id == id);
    pending_ids_.insert(id);
    pending_.push_back({std::move(found.event), found.is_rejected});
}

const EventId* AuthIndex::next_needed(Pending& pending) {
    const Event& event = *pending.event;
    const auto is_needed = [&](const EventId& id) {
        return ids_.find(id.view()) == kNone && !pending_ids_.contains(id) &&
               !missing_.contains(id);
    };
    while (pending.next < event.auth_events.size()) {
        const EventId& id = event.auth_events[pending.next++];
        if (is_needed(id)) return &id;
    }
    if (!names_create_by_room_id(event)) return nullptr;
    const EventId& create = create_id_of(event);
    return is_needed(create) ? &create : nullptr;
}

const EventId& AuthIndex::create_id_of(const Event& event) {
    if (event.room_id != create_room_) {
        create_room_ = event.room_id;
        create_id_ = EventId("$" + event.room_id.text().substr(1));
    }
    return create_id_;
}

void AuthIndex::make_room() {
    ids_.reserve(kManyMoreEvents, kManyMoreEvents * kIdBytes);
    rows_.reserve(kManyMoreEvents);
    parents_.reserve(kManyMoreEvents * kRolesPerEvent);
    child_edges_.reserve(kManyMoreEvents * kRolesPerEvent);
    roles_.reserve(kManyMoreEvents * kRolesPerEvent);
}

void AuthIndex::append(Pending& pending) {
    if (rows_.size() == kManyEvents) make_room();
    const Event& event = *pending.event;
    pending_ids_.erase(event.id);
    const Index index = ids_.add(event.id.view());
    rows_.emplace_back().is_rejected = pending.is_rejected;
    const bool is_on_cycle = std::ranges::any_of(
        event.auth_events, [&](const EventId& id) { return pending_ids_.contains(id); });
    // An event on a cycle is linked and described again when all of it is here: it stays at hand.
    if (is_on_cycle) on_cycles_.push_back(index);
    link(index, event);
    describe(index, event);
    if (is_on_cycle || held_.size() < kNewEventsHeldMax) hold(index, std::move(pending.event));
}

void AuthIndex::link(Index index, const Event& event) {
    AuthRow& row = rows_[index];
    row.parents_begin = static_cast<std::uint32_t>(parents_.size());
    for (const EventId& id : event.auth_events) {
        const Index parent = ids_.find(id.view());
        if (parent == kNone) continue;
        const auto linked = parents_.begin() + row.parents_begin;
        if (std::find(linked, parents_.end(), parent) != parents_.end()) continue;
        parents_.push_back(parent);
        child_edges_.push_back({index, rows_[parent].newest_child});
        rows_[parent].newest_child = static_cast<std::uint32_t>(child_edges_.size() - 1);
        is_topological_ &= parent < index;
    }
    row.parents_count = static_cast<std::uint32_t>(parents_.size()) - row.parents_begin;
}

void AuthIndex::describe(Index index, const Event& event) {
    const auto find_parent = [&](Key key) {
        const auto found =
            std::ranges::find(parents(index), key, [&](Index parent) { return rows_[parent].key; });
        return found == parents(index).end() ? kNone : *found;
    };
    const Key key = event.is_state() ? intern_key(event.type, *event.state_key) : kNone;
    const auto roles_begin = static_cast<std::uint32_t>(roles_.size());
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        const Key role_key = intern_key(type, state_key);
        roles_.push_back({role, role_key, find_parent(role_key)});
    }
    AuthRow& row = rows_[index];
    row.origin_server_ts = event.origin_server_ts;
    row.id_prefix = prefix_of_id(event.id.view());
    row.key = key;
    row.power_levels = find_parent(kPowerLevelsKey);
    row.is_create_implied = event.rules->event_format == EventFormat::HashedRoomId;
    row.create = !row.is_create_implied           ? find_parent(kCreateKey)
                 : names_create_by_room_id(event) ? ids_.find(create_id_of(event).view())
                                                  : kNone;
    row.roles_begin = roles_begin;
    row.roles_count = static_cast<std::uint8_t>(roles_.size() - roles_begin);
    row.is_power_event = is_power_event(event, steps_);
    row.sender_level.reset();
}

void AuthIndex::refresh(const EventId& id) {
    if (pending_ids_.contains(id)) forget_pending();
    const Index index = ids_.find(id.view());
    if (index == kNone) return;
    auth::CitedEvent found = find_event_(id);
    if (!found.event) return clear();
    rows_[index].is_rejected = found.is_rejected;
    describe(index, *found.event);
    if (rows_[index].event) rows_[index].event = std::move(found.event);
    // Their senders' levels stand in its content; a create event that nobody cites has a part in
    // all of them.
    if (rows_[index].is_create_implied && rows_[index].key == kCreateKey) {
        for (AuthRow& row : rows_)
            row.sender_level.reset();
    }
    for (std::uint32_t edge = rows_[index].newest_child; edge != kNone;
         edge = child_edges_[edge].next) {
        rows_[child_edges_[edge].child].sender_level.reset();
    }
}

void AuthIndex::hold(Index index, EventPtr event) {
    rows_[index].event = std::move(event);
    held_.push_back(index);
}

const Event* AuthIndex::find_event(Index index) {
    if (!rows_[index].event) {
        auth::CitedEvent found = find_event_(EventId(id_of(index)));
        if (!found.event) return nullptr;
        hold(index, std::move(found.event));
    }
    return rows_[index].event.get();
}

// A room id of v12 may name anything.
Index AuthIndex::create_of(Index index) const {
    const Index create = rows_[index].create;
    if (create == kNone || !rows_[index].is_create_implied) return create;
    return rows_[create].key == kCreateKey && !rows_[create].is_rejected ? create : kNone;
}

std::int64_t AuthIndex::sender_level(Index index) {
    if (const auto known = rows_[index].sender_level) return *known;
    const Index levels = rows_[index].power_levels;
    const Index create = create_of(index);
    auth::AuthState state;
    if (create != kNone) state.set(auth::Role::Create, find_event(create));
    if (levels != kNone) state.set(auth::Role::PowerLevels, find_event(levels));
    const Event* event = find_event(index);
    const std::int64_t level = event ? state.level_of(event->sender) : 0;
    rows_[index].sender_level = level;
    return level;
}

namespace {

// A key as one text: the length of the type, so that no two keys look alike, and both parts.
void write_key(std::string_view type, std::string_view state_key, std::string& text) {
    const auto length = static_cast<std::uint32_t>(type.size());
    text.assign(reinterpret_cast<const char*>(&length), sizeof length);
    text.append(type).append(state_key);
}

}  // namespace

Key AuthIndex::intern_key(std::string_view type, std::string_view state_key) {
    write_key(type, state_key, key_text_);
    return keys_.intern(key_text_);
}

StateKey AuthIndex::state_key_of(Key key) const {
    const std::string_view text = keys_.text(key);
    std::uint32_t length = 0;
    std::memcpy(&length, text.data(), sizeof length);
    return {std::string(text.substr(sizeof length, length)),
            std::string(text.substr(sizeof length + length))};
}

const TreePath& AuthIndex::path_of(Key key) {
    if (key >= paths_.size()) paths_.resize(keys_.size());
    if (!paths_[key]) {
        const StateKey state_key = state_key_of(key);
        paths_[key] = state_tree::path_of(state_key.type, state_key.state_key);
    }
    return *paths_[key];
}

const State::EntryPtr& AuthIndex::entry(Index index) {
    AuthRow& row = rows_[index];
    MATRIX_ASSERT(row.key != kNone);
    if (!row.entry) {
        row.entry = std::make_shared<const State::Entry>(
            path_of(row.key), state_key_of(row.key), EventId(id_of(index)));
    }
    return row.entry;
}

}  // namespace matrix::resolution
