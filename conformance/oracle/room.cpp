// Events and their auth chains, as the oracle looks them up.

#include "conformance/oracle/room.h"

#include <charconv>

namespace matrix::oracle {

int number_of(const RoomRules& rules) {
    int number = 0;
    if (rules.is_custom()) return number;
    std::from_chars(rules.version.data(), rules.version.data() + rules.version.size(), number);
    return number;
}

std::string_view domain_of(std::string_view id) {
    const std::size_t colon = id.find(':');
    return colon == std::string_view::npos ? std::string_view() : id.substr(colon + 1);
}

ReadEvent::ReadEvent(EventPtr event_, Standing standing_)
    : event(std::move(event_)),
      standing(standing_),
      pdu(event->parse_text()),
      version_(number_of(*event->rules)) {}

const json::Value* ReadEvent::find(std::string_view property) const {
    const json::Value* content = pdu.find("content");
    return content ? content->find(property) : nullptr;
}

std::string_view ReadEvent::find_string(std::string_view property) const {
    const json::Value* value = find(property);
    const std::string* string = value ? value->if_string() : nullptr;
    return string ? std::string_view(*string) : std::string_view();
}

void Room::add(EventPtr event, Standing standing) {
    const EventId id = event->id;
    if (events_.contains(id)) return;
    events_.emplace(id, ReadEvent(std::move(event), standing));
    auth_events_.clear();
    auth_chains_.clear();
}

const ReadEvent* Room::find(const EventId& id) const {
    const auto entry = events_.find(id);
    return entry == events_.end() ? nullptr : &entry->second;
}

const EventList& Room::auth_events(const ReadEvent& event) const {
    const auto [entry, is_new] = auth_events_.try_emplace(&event);
    if (is_new) {
        for (const EventId& id : event.event->auth_events) {
            if (const ReadEvent* cited = find(id)) entry->second.push_back(cited);
        }
    }
    return entry->second;
}

const ReadEvent* Room::auth_event(const ReadEvent& event,
                                  std::string_view type,
                                  std::string_view state_key) const {
    for (const ReadEvent* cited : auth_events(event)) {
        if (cited->has_key(type, state_key)) return cited;
    }
    return nullptr;
}

// "All of E's auth events, all of their auth events, and so on", without recursion. An event is in
// its own chain only where ids claim a cycle.
const EventSet& Room::auth_chain(const ReadEvent& event) const {
    const auto [entry, is_new] = auth_chains_.try_emplace(&event);
    if (!is_new) return entry->second;
    EventList pending = auth_events(event);
    while (!pending.empty()) {
        const ReadEvent* next = pending.back();
        pending.pop_back();
        if (!entry->second.insert(next).second) continue;
        const EventList& cited = auth_events(*next);
        pending.insert(pending.end(), cited.begin(), cited.end());
    }
    return entry->second;
}

const ReadEvent* Room::create_of(const ReadEvent& event) const {
    if (event.version(&RoomRules::event_format) < 12) return auth_event(event, "m.room.create", "");
    const std::string_view room_id = event.event->room_id.view();
    if (room_id.empty()) return nullptr;
    const ReadEvent* create = find(EventId("$" + std::string(room_id.substr(1))));
    const bool is_accepted =
        create && create->has_key("m.room.create", "") && !create->is_rejected();
    return is_accepted ? create : nullptr;
}

}  // namespace matrix::oracle
