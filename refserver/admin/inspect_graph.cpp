// `refserver inspect graph`: asks for the events of a room, and for each of them how it was judged
// and what the state before it was; draws them.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <utility>

#include "refserver/admin/inspect.h"
#include "refserver/base/result_macros.h"
#include "refserver/pages/room_graph_page.h"

namespace matrix::admin {
namespace {

constexpr std::size_t kStateEntriesShown = 200;

std::string text_at(const json::Value& value, std::string_view key) {
    const std::string* text = value.find_string(key);
    return text == nullptr ? std::string() : *text;
}

std::vector<std::string> texts_at(const json::Value& value, std::string_view key) {
    std::vector<std::string> texts;
    const json::Array* array = value.find_array(key);
    if (array == nullptr) return texts;
    for (const json::Value& element : *array)
        if (const std::string* text = element.if_string()) texts.push_back(*text);
    return texts;
}

std::string key_of(const json::Value& event) {
    const std::string* state_key = event.find_string("state_key");
    return text_at(event, "type") + (state_key ? " \"" + *state_key + "\"" : "");
}

pages::GraphStatus status_of(const json::Value& event) {
    const std::string status = text_at(event, "status");
    if (status == "accepted") return pages::GraphStatus::Accepted;
    if (status == "soft-failed") return pages::GraphStatus::SoftFailed;
    if (status == "rejected") return pages::GraphStatus::Rejected;
    return pages::GraphStatus::Outlier;
}

pages::GraphCheck check_of(const json::Value& told) {
    const bool* is_allowed = told.find_boolean("is_allowed");
    pages::GraphCheck check{.name = text_at(told, "check"),
                            .is_allowed = is_allowed && *is_allowed,
                            .rule = text_at(told, "rule"),
                            .detail = text_at(told, "detail")};
    if (const json::Array* inputs = told.find_array("inputs")) {
        for (const json::Value& input : *inputs) {
            const json::Value* content = input.find("content");
            check.inputs.push_back(key_of(input) + " " + text_at(input, "event_id") + " " +
                                   (content ? json::write(*content) : "not there"));
        }
    }
    return check;
}

/// Collects a `pages::RoomGraph` from what the server tells.
class GraphMaker {
public:
    explicit GraphMaker(const InspectCommand& command)
        : command_(command), room_(command.arguments.front()) {}

    std::expected<pages::RoomGraph, std::string> make() {
        ASSIGN_OR_RETURN(const json::Object listed,
                         ask_for_view(command_, *find_view("events"), {room_}));
        ASSIGN_OR_RETURN(const json::Value room,
                         ask_for_view(command_, *find_view("room"), {room_}));
        const json::Array& events = *listed.find("events")->if_array();
        // The server tells the newest first.
        for (auto event = events.rbegin(); event != events.rend(); ++event)
            index_of(text_at(*event, "event_id"));
        const std::vector<std::string> extremities = texts_at(room, "extremities");
        for (const json::Value& event : events) {
            RETURN_IF_ERROR(add(event, extremities));
        }
        link_states();
        graph_.title = "Events of " + room_;
        graph_.facts = {{"room version", text_at(room, "version")},
                        {"events on this page", std::to_string(events.size())},
                        {"forward extremities", std::to_string(extremities.size())}};
        const json::Value* next = listed.find("next");
        if (next && next->if_array() && !next->if_array()->empty()) {
            graph_.facts.emplace_back("older events", "not on this page: --limit, --from");
        }
        return std::move(graph_);
    }

private:
    // An event that is only named is there, too, as one that is not shown.
    std::size_t index_of(const std::string& event_id) {
        const auto [entry, is_new] = indices_.try_emplace(event_id, graph_.events.size());
        if (is_new) graph_.events.push_back({.id = event_id});
        return entry->second;
    }

    std::expected<void, std::string> add(const json::Value& node,
                                         const std::vector<std::string>& extremities) {
        const std::string id = text_at(node, "event_id");
        const std::size_t index = index_of(id);
        for (const std::string& previous : texts_at(node, "prev_events")) {
            const std::size_t parent = index_of(previous);
            graph_.events[index].prev_events.push_back(parent);
        }
        for (const std::string& cited : texts_at(node, "auth_events")) {
            // Old ones would fill the page: only those that are on it.
            const auto known = indices_.find(cited);
            if (known != indices_.end()) graph_.events[index].auth_events.push_back(known->second);
        }
        ASSIGN_OR_RETURN(const json::Value told,
                         ask_for_view(command_, *find_view("event"), {room_, id}));
        ASSIGN_OR_RETURN(const std::size_t state, add_state(id));
        pages::RoomGraphEvent& event = graph_.events[index];
        event.label = key_of(node);
        event.sender = text_at(node, "sender");
        event.status = status_of(node);
        event.is_extremity = std::ranges::find(extremities, id) != extremities.end();
        event.state_before = state;
        for (const std::string_view name :
             {"depth", "origin_server_ts", "position", "rule", "detail", "redacted_by"}) {
            const json::Value* value = node.find(name);
            if (value == nullptr) continue;
            event.facts.emplace_back(
                name, value->if_string() ? *value->if_string() : json::write(*value));
        }
        if (const json::Array* checks = told.find_array("checks_now")) {
            for (const json::Value& check : *checks)
                event.checks.push_back(check_of(check));
        }
        if (const json::Value* pdu = told.find("pdu")) event.text = json::write(*pdu);
        return {};
    }

    std::expected<std::size_t, std::string> add_state(const std::string& event) {
        InspectCommand asking = command_;
        asking.limit = kStateEntriesShown;
        asking.from.clear();
        ASSIGN_OR_RETURN(const json::Object told,
                         ask_for_view(asking, *find_view("state"), {room_, event}));
        std::vector<std::pair<std::string, std::string>> entries;
        for (const json::Value& entry : *told.find("state")->if_array())
            entries.emplace_back(key_of(entry), text_at(entry, "event_id"));
        std::ranges::sort(entries);
        if (told.contains("next")) entries.emplace_back("and more, not shown here", "");
        const auto [place, is_new] = states_.try_emplace(std::move(entries), states_.size());
        return place->second;
    }

    void link_states() {
        graph_.states.resize(states_.size());
        for (const auto& [entries, index] : states_) {
            for (const auto& [key, event_id] : entries) {
                const auto known = indices_.find(event_id);
                pages::GraphStateEntry entry{.key = key, .event_id = event_id};
                if (known != indices_.end()) entry.event = known->second;
                graph_.states[index].push_back(std::move(entry));
            }
        }
    }

    const InspectCommand& command_;
    const std::string room_;
    pages::RoomGraph graph_;
    std::map<std::string, std::size_t> indices_;
    std::map<std::vector<std::pair<std::string, std::string>>, std::size_t> states_;
};

int end_graph(int code, std::string_view why) {
    std::cerr << "refserver inspect: " << why << '\n';
    return code;
}

}  // namespace

int write_graph(const InspectCommand& command) {
    const auto graph = GraphMaker(command).make();
    if (!graph) return end_graph(1, graph.error());
    std::ofstream file(command.out, std::ios::binary);
    file << pages::room_graph_page(*graph);
    file.close();
    if (!file) return end_graph(2, "--out: cannot write " + command.out);
    std::cout << command.out << ": " << graph->events.size() << " events\n";
    return 0;
}

}  // namespace matrix::admin
