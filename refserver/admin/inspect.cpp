#include "refserver/admin/inspect.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/engine/http_api.h"

namespace matrix::admin {
namespace {

constexpr std::array<std::string_view, 1> kRoom{"ROOM"};
constexpr std::array<std::string_view, 2> kRoomEvent{"ROOM", "EVENT"};
constexpr std::array<std::string_view, 1> kServer{"SERVER"};
constexpr std::array<std::string_view, 1> kUser{"USER"};

/// What one request asks for at most; the server gives no more.
constexpr std::size_t kPageMax = 1000;

constexpr std::array kViews{
    InspectView{"server", "counters, open requests, positions", {}, "server"},
    InspectView{"statistics", "turns, syncs, the size of the database", {}, "statistics"},
    InspectView{"metrics", "the counters, as Prometheus reads them", {}, "metrics"},
    InspectView{"rooms", "all rooms", {}, "rooms", "rooms", "room_id version joined extremities"},
    InspectView{"room", "version, servers, forward extremities", kRoom, "rooms/{}"},
    InspectView{"events",
                "the graph, backwards",
                kRoom,
                "rooms/{}/events",
                "events",
                "depth status event_id type state_key sender rule"},
    InspectView{"event", "an event, and why it was refused", kRoomEvent, "rooms/{}/events/{}"},
    InspectView{"state",
                "the state before an event, or after",
                kRoomEvent,
                "rooms/{}/events/{}/state",
                "state",
                "type state_key event_id"},
    InspectView{"auth-chain",
                "everything that authorizes an event",
                kRoomEvent,
                "rooms/{}/events/{}/auth_chain",
                "auth_chain",
                "depth status event_id type state_key sender"},
    InspectView{"refused",
                "events that were rejected, soft-failed or dropped",
                kRoom,
                "rooms/{}/refused",
                "refused",
                "status event_id type sender rule detail"},
    InspectView{"queues",
                "what waits for other servers",
                {},
                "queues",
                "queues",
                "destination events edus ephemeral_edus rooms_to_catch_up failures retry_at_ts"},
    InspectView{"peers",
                "servers that fail, or are being asked",
                {},
                "peers",
                "peers",
                "server failures pause_left_ms requests"},
    InspectView{"keys",
                "the keys of a server, and how asking for them went",
                kServer,
                "keys/{}",
                "keys",
                "key_id public_key valid_until_ts is_old"},
    InspectView{"devices",
                "the devices of a user",
                kUser,
                "users/{}/devices",
                "devices",
                "device_id display_name"},
    InspectView{"graph", "writes the graph as a page: --out FILE", kRoom, "rooms/{}/events"},
};

// What the next page begins with: `next` is a text, or of the graph a list of events.
std::vector<std::string> next_of(const json::Object& answer) {
    const json::Value* next = answer.find("next");
    if (next == nullptr) return {};
    if (const std::string* text = next->if_string()) return {*text};
    std::vector<std::string> list;
    if (const json::Array* events = next->if_array()) {
        for (const json::Value& event : *events)
            if (const std::string* id = event.if_string()) list.push_back(*id);
    }
    return list;
}

json::Array* list_of(json::Object& answer, std::string_view name) {
    json::Value* value = answer.find(name);
    return value == nullptr ? nullptr : value->if_array();
}

int refuse_to_inspect(std::string_view why) {
    std::cerr << "refserver inspect: " << why << '\n';
    return 1;
}

}  // namespace

const InspectView* find_view(std::string_view name) {
    const auto* const view = std::ranges::find(kViews, name, &InspectView::name);
    return view == kViews.end() ? nullptr : &*view;
}

std::string list_views() {
    std::string text;
    for (const InspectView& view : kViews) {
        std::string line = "  " + std::string(view.name);
        for (const std::string_view argument : view.arguments)
            line += " " + std::string(argument);
        line.resize(std::max<std::size_t>(line.size() + 1, 26), ' ');
        text += line + std::string(view.about) + '\n';
    }
    return text;
}

std::string target_of(const InspectView& view, const std::vector<std::string>& arguments) {
    std::string target = "/_refserver/";
    auto argument = arguments.begin();
    for (std::size_t at = 0; at < view.path.size(); ++at) {
        if (!view.path.substr(at).starts_with("{}")) {
            target += view.path[at];
            continue;
        }
        MATRIX_ASSERT(argument != arguments.end());  // Parsing has counted them.
        target += engine::percent_encode(*argument++);
        ++at;
    }
    return target;
}

std::expected<json::Object, std::string> ask_for_view(const InspectCommand& command,
                                                      const InspectView& view,
                                                      const std::vector<std::string>& arguments) {
    const std::string target = target_of(view, arguments);
    if (view.list.empty()) return ask_for_object(command.server, {.target = target});
    json::Object all;
    json::Array listed;
    std::vector<std::string> from = command.from;
    do {
        std::string query =
            "?limit=" + std::to_string(std::min(command.limit - listed.size(), kPageMax));
        for (const std::string& place : from)
            query += "&from=" + engine::percent_encode(place);
        if (!command.when.empty()) query += "&when=" + command.when;
        ASSIGN_OR_RETURN(json::Object page,
                         ask_for_object(command.server, {.target = target + query}));
        from = next_of(page);
        json::Array* list = list_of(page, view.list);
        if (list == nullptr) return std::unexpected("--url: this is no refserver of this version");
        if (list->empty()) from.clear();
        std::ranges::move(*list, std::back_inserter(listed));
        // What only the first page has stays; `next` is of the last one.
        for (const json::Member& member : page) {
            if (member.key != view.list && member.key != "next") all.set(member.key, member.value);
        }
        all.erase("next");
        if (const json::Value* next = page.find("next")) all.set("next", *next);
    } while (!from.empty() && listed.size() < command.limit);
    all.set(view.list, std::move(listed));
    return all;
}

int run_inspect(const InspectCommand& command) {
    const InspectView& view = *find_view(command.what);
    if (view.name == "graph") return write_graph(command);
    if (view.name == "metrics") {
        const auto text =
            ask_server(command.server, {.target = target_of(view, command.arguments)});
        if (!text) return refuse_to_inspect(text.error());
        std::cout << *text;
        return 0;
    }
    const auto answer = ask_for_view(command, view, command.arguments);
    if (!answer) return refuse_to_inspect(answer.error());
    std::cout << (command.wants_json ? json::write(*answer) + '\n' : text_of(view, *answer));
    return 0;
}

}  // namespace matrix::admin
