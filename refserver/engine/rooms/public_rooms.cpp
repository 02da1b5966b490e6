#include "refserver/engine/rooms/public_rooms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>

#include "refserver/base/result_macros.h"
#include "refserver/engine/rooms/room_description.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kPageMax = 500;

Result<void> check_networks(bool includes_all, bool names_one) {
    if (!includes_all || !names_one) return {};
    return invalid_param("third_party_instance_id: not together with include_all_networks");
}

}  // namespace

json::Object DirectoryWish::to_body() const {
    json::Object body;
    if (limit) body.set("limit", *limit);
    if (!since.empty()) body.set("since", since);
    json::Object filter;
    if (!search_term.empty()) filter.set("generic_search_term", search_term);
    if (room_types) {
        json::Array types;
        for (const std::string& type : *room_types)
            types.push_back(type.empty() ? json::Value() : json::Value(type));
        filter.set("room_types", std::move(types));
    }
    if (!filter.empty()) body.set("filter", std::move(filter));
    return body;
}

Result<DirectoryWish> parse_directory_query(const Request& request) {
    DirectoryWish wish;
    ASSIGN_OR_RETURN(wish.limit, request.integer_query("limit", 0));
    if (const std::string* since = request.find_query("since")) wish.since = *since;
    ASSIGN_OR_RETURN(const bool all_networks, request.boolean_query("include_all_networks", false));
    const std::string* network = request.find_query("third_party_instance_id");
    wish.is_of_other_network = network && !network->empty();
    RETURN_IF_ERROR(check_networks(all_networks, wish.is_of_other_network));
    return wish;
}

Result<DirectoryWish> parse_directory_body(const json::Object& body) {
    DirectoryWish wish;
    ASSIGN_OR_RETURN(wish.limit, optional_integer(body, "limit"));
    if (wish.limit && *wish.limit < 0) return invalid_param("limit: expected at least 0");
    ASSIGN_OR_RETURN(const auto since, optional_string(body, "since"));
    wish.since = since.value_or("");
    ASSIGN_OR_RETURN(const auto all_networks, optional_boolean(body, "include_all_networks"));
    ASSIGN_OR_RETURN(const auto network, optional_string(body, "third_party_instance_id"));
    wish.is_of_other_network = network && !network->empty();
    RETURN_IF_ERROR(check_networks(all_networks.value_or(false), wish.is_of_other_network));
    ASSIGN_OR_RETURN(const auto filter, optional_object(body, "filter"));
    if (!filter) return wish;
    ASSIGN_OR_RETURN(const auto term, optional_string(*filter, "generic_search_term"));
    wish.search_term = term.value_or("");
    ASSIGN_OR_RETURN(const auto types, optional_array(*filter, "room_types"));
    if (!types) return wish;
    wish.room_types.emplace();
    for (const json::Value& type : *types) {
        if (!type.is_null() && !type.if_string()) {
            return bad_json("filter.room_types: expected strings and null");
        }
        wish.room_types->push_back(type.is_null() ? "" : *type.if_string());
    }
    return wish;
}

namespace {

/// The place of a room in the directory: the largest rooms first, among equals by their ids.
struct DirectoryPlace {
    std::int64_t joined = 0;
    RoomId room;
    friend std::strong_ordering operator<=>(const DirectoryPlace& a, const DirectoryPlace& b) {
        if (const auto order = b.joined <=> a.joined; order != 0) return order;
        return a.room <=> b.room;
    }
    friend bool operator==(const DirectoryPlace&, const DirectoryPlace&) = default;
};

struct DirectoryEntry {
    DirectoryPlace place;
    json::Object description;
};

/// Where a page begins, or ends: tokens name the room at its edge, so that rooms that come and go
/// elsewhere shift nothing.
struct PageEdge {
    Direction direction = Direction::Forwards;  ///< The page is behind `place`, or before it.
    DirectoryPlace place;
};

std::string write_edge(const PageEdge& edge) {
    return std::string(edge.direction == Direction::Forwards ? "f" : "b") +
           std::to_string(edge.place.joined) + "_" + edge.place.room.text();
}

Result<PageEdge> parse_edge(std::string_view token) {
    PageEdge edge;
    const std::size_t gap = token.find('_');
    if (gap != std::string_view::npos && (token[0] == 'f' || token[0] == 'b')) {
        edge.direction = token[0] == 'f' ? Direction::Forwards : Direction::Backwards;
        const std::string_view number = token.substr(1, gap - 1);
        const auto read =
            std::from_chars(number.data(), number.data() + number.size(), edge.place.joined);
        auto room = parse_room_id(token.substr(gap + 1));
        if (read.ec == std::errc{} && read.ptr == number.data() + number.size() && room) {
            edge.place.room = *std::move(room);
            return edge;
        }
    }
    return invalid_param("since: expected a token that this server gave");
}

std::string fold_case(std::string_view text) {
    std::string folded(text);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
}

// UNSPECIFIED: what a search looks at and how. We look for the term as it is in name, topic and
// alias, without regard to the case of ASCII letters.
bool is_wanted(const json::Object& entry, const DirectoryWish& wish, const std::string& term) {
    const auto text = [&](std::string_view field) {
        const json::Value* value = entry.find(field);
        return value && value->if_string() ? *value->if_string() : std::string();
    };
    if (wish.room_types) {
        const auto& types = *wish.room_types;
        if (std::ranges::find(types, text("room_type")) == types.end()) return false;
    }
    if (term.empty()) return true;
    return std::ranges::any_of(
        std::array<std::string_view, 3>{"name", "topic", "canonical_alias"},
        [&](std::string_view field) { return fold_case(text(field)).contains(term); });
}

std::vector<DirectoryEntry> list_entries(Rooms& rooms,
                                         const storage::PublishedRoomStore& published,
                                         const DirectoryWish& wish,
                                         const ServerName& us) {
    std::vector<DirectoryEntry> entries;
    // There are no bridges to other networks here, and so no rooms of theirs.
    if (wish.is_of_other_network) return entries;
    const std::string term = fold_case(wish.search_term);
    for (const RoomId& id : published.list()) {
        const auto room = rooms.find(id);
        // Of a room that we are not in any more we know nothing that still holds.
        if (!room || !(*room)->is_server_joined(us)) continue;
        json::Object description = describe_room(**room);
        if (!is_wanted(description, wish, term)) continue;
        entries.push_back({{(*room)->count_joined(), id}, std::move(description)});
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::place);
    return entries;
}

}  // namespace

Result<json::Object> read_directory(Rooms& rooms,
                                    const storage::PublishedRoomStore& published,
                                    const DirectoryWish& wish,
                                    const ServerName& us) {
    std::optional<PageEdge> edge;
    if (!wish.since.empty()) {
        ASSIGN_OR_RETURN(edge, parse_edge(wish.since));
    }
    std::vector<DirectoryEntry> entries = list_entries(rooms, published, wish, us);
    // UNSPECIFIED: without a limit a page has as many rooms as we give at most.
    const std::int64_t limit = wish.limit.value_or(0);
    const auto count = static_cast<std::size_t>(limit == 0 ? kPageMax : std::min(limit, kPageMax));

    std::size_t begin = 0;
    std::size_t end = std::min(count, entries.size());
    if (edge) {
        const auto at = std::ranges::lower_bound(entries, edge->place, {}, &DirectoryEntry::place);
        auto index = static_cast<std::size_t>(at - entries.begin());
        if (edge->direction == Direction::Forwards) {
            if (index < entries.size() && entries[index].place == edge->place) ++index;
            begin = index;
            end = std::min(begin + count, entries.size());
        } else {
            end = index;
            begin = end - std::min(end, count);
        }
    }
    json::Array chunk;
    for (std::size_t i = begin; i < end; ++i)
        chunk.emplace_back(std::move(entries[i].description));
    json::Object page{{"chunk", std::move(chunk)},
                      {"total_room_count_estimate", static_cast<std::int64_t>(entries.size())}};
    if (begin > 0 && begin < end) {
        page.set("prev_batch", write_edge({Direction::Backwards, entries[begin].place}));
    }
    if (end < entries.size() && begin < end) {
        page.set("next_batch", write_edge({Direction::Forwards, entries[end - 1].place}));
    }
    return page;
}

}  // namespace matrix::engine
