#include "refserver/engine/client/event_filter.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {

bool matches_wildcard(std::string_view pattern, std::string_view text) {
    // On a mismatch the newest `*` takes one more character: linear but for the last retry.
    std::size_t at = 0;
    std::size_t in_text = 0;
    std::optional<std::size_t> star;
    std::size_t star_text = 0;
    while (in_text < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            star_text = in_text;
        } else if (at < pattern.size() && pattern[at] == text[in_text]) {
            ++at;
            ++in_text;
        } else if (star) {
            at = *star + 1;
            in_text = ++star_text;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

namespace {

using Names = std::vector<std::string>;

bool contains_name(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool matches_any(const Names& patterns, std::string_view type) {
    return std::ranges::any_of(
        patterns, [&](const std::string& pattern) { return matches_wildcard(pattern, type); });
}

bool admits_name(const std::optional<Names>& wanted, const Names& unwanted, std::string_view name) {
    return !contains_name(unwanted, name) && (!wanted || contains_name(*wanted, name));
}

}  // namespace

bool EventFilter::admits_room(const RoomId& room) const {
    return admits_name(rooms, not_rooms, room.view());
}

bool EventFilter::admits_type(std::string_view type) const {
    return !matches_any(not_types, type) && (!types || matches_any(*types, type));
}

bool EventFilter::admits_sender(const UserId& sender) const {
    return admits_name(senders, not_senders, sender.view());
}

bool EventFilter::admits(const Event& event) const {
    if (!admits_type(event.type) || !admits_sender(event.sender)) return false;
    return !contains_url || event.parse_content().contains("url") == *contains_url;
}

bool SyncFilter::admits_room(const RoomId& room) const {
    return admits_name(rooms, not_rooms, room.view());
}

namespace {

Result<std::optional<Names>> optional_names(const json::Object& object, std::string_view field) {
    ASSIGN_OR_RETURN(const auto array, optional_array(object, field));
    if (!array) return std::nullopt;
    Names names;
    for (const json::Value& value : *array) {
        const std::string* name = value.if_string();
        if (!name) return bad_json(std::string(field) + ": expected an array of strings");
        names.push_back(*name);
    }
    return names;
}

Result<Names> names_or_none(const json::Object& object, std::string_view field) {
    ASSIGN_OR_RETURN(auto names, optional_names(object, field));
    return std::move(names).value_or(Names{});
}

Result<bool> boolean_or_false(const json::Object& object, std::string_view field) {
    ASSIGN_OR_RETURN(const auto boolean, optional_boolean(object, field));
    return boolean.value_or(false);
}

}  // namespace

Result<EventFilter> parse_event_filter(const json::Object& object) {
    EventFilter filter;
    ASSIGN_OR_RETURN(filter.limit, optional_integer(object, "limit"));
    // UNSPECIFIED: a limit of 0 shows no events, because clients in use ask for exactly that.
    if (filter.limit && *filter.limit < 0) return bad_json("limit: expected a positive integer");
    ASSIGN_OR_RETURN(filter.types, optional_names(object, "types"));
    ASSIGN_OR_RETURN(filter.not_types, names_or_none(object, "not_types"));
    ASSIGN_OR_RETURN(filter.senders, optional_names(object, "senders"));
    ASSIGN_OR_RETURN(filter.not_senders, names_or_none(object, "not_senders"));
    ASSIGN_OR_RETURN(filter.rooms, optional_names(object, "rooms"));
    ASSIGN_OR_RETURN(filter.not_rooms, names_or_none(object, "not_rooms"));
    ASSIGN_OR_RETURN(filter.contains_url, optional_boolean(object, "contains_url"));
    ASSIGN_OR_RETURN(filter.lazy_loads_members, boolean_or_false(object, "lazy_load_members"));
    ASSIGN_OR_RETURN(filter.includes_redundant_members,
                     boolean_or_false(object, "include_redundant_members"));
    return filter;
}

namespace {

Result<EventFilter> optional_filter(const json::Object& object, std::string_view field) {
    ASSIGN_OR_RETURN(const auto filter, optional_object(object, field));
    return parse_event_filter(filter.value_or(json::Object{}));
}

}  // namespace

Result<SyncFilter> parse_sync_filter(const json::Object& object) {
    SyncFilter filter;
    ASSIGN_OR_RETURN(filter.presence, optional_filter(object, "presence"));
    ASSIGN_OR_RETURN(const auto room, optional_object(object, "room"));
    if (!room) return filter;
    ASSIGN_OR_RETURN(filter.rooms, optional_names(*room, "rooms"));
    ASSIGN_OR_RETURN(filter.not_rooms, names_or_none(*room, "not_rooms"));
    ASSIGN_OR_RETURN(filter.includes_leave, boolean_or_false(*room, "include_leave"));
    ASSIGN_OR_RETURN(filter.timeline, optional_filter(*room, "timeline"));
    ASSIGN_OR_RETURN(filter.state, optional_filter(*room, "state"));
    ASSIGN_OR_RETURN(filter.ephemeral, optional_filter(*room, "ephemeral"));
    ASSIGN_OR_RETURN(filter.account_data, optional_filter(*room, "account_data"));
    return filter;
}

}  // namespace matrix::engine
