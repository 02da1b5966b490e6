#include "simulator/view/text_log.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "refserver/base/assert.h"
#include "simulator/view/past.h"
#include "simulator/view/words.h"

namespace matrix::simulator {
namespace {

using Kind = RecordPlace::Kind;

constexpr Index kNamesShown = 12;
constexpr Index kDifferencesShown = 8;

struct Line {
    std::int64_t at_us = 0;
    std::string server;
    std::string kind;
    std::string room;
    std::string event;
    std::string verdict;
    std::string detail;
};

// What is longer than its column pushes the rest to the right, in this line alone.
constexpr std::array<std::size_t, 6> kWidths = {13, 6, 10, 8, 9, 12};

std::string padded(std::string text, std::size_t width) {
    if (text.empty()) text = "-";
    if (text.size() < width) text.resize(width, ' ');
    return text + ' ';
}

std::string write(const Line& line) {
    std::string time = in_seconds(line.at_us);
    if (time.size() < kWidths[0]) time.insert(0, kWidths[0] - time.size(), ' ');
    std::string text = time + ' ' + padded(line.server, kWidths[1]) +
                       padded(line.kind, kWidths[2]) + padded(line.room, kWidths[3]) +
                       padded(line.event, kWidths[4]) + padded(line.verdict, kWidths[5]) +
                       line.detail;
    std::ranges::replace(text, '\n', ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

class LogWriter {
public:
    explicit LogWriter(const Recording& recording) : recording_(recording) {}

    std::string write_all() {
        add_head();
        for (const RecordPlace& place : recording_.order)
            write_record(place);
        add_names();
        return std::move(text_);
    }

private:
    void add(const Line& line) { text_ += write(line); }

    void add_head() {
        text_ += "#      time_s server kind       room     event     verdict      detail\n";
    }

    void write_record(const RecordPlace& place) {
        switch (place.kind) {
            case Kind::Dispatch:
            case Kind::Sent:
                return;
            case Kind::Arrived:
                return write_arrival(recording_.messages[place.index]);
            case Kind::Lost:
                return write_loss(recording_.messages[place.index]);
            case Kind::Storing:
                return write_storing(recording_.storings[place.index]);
            case Kind::Room:
                return write_room(recording_.rooms[place.index]);
            case Kind::Note:
                return write_note(recording_.notes[place.index]);
            case Kind::ClientRequest:
                return write_client_request(recording_.clients[place.index]);
            case Kind::ClientAnswer:
                return write_client_answer(recording_.clients[place.index]);
            case Kind::Log:
                return write_log(recording_.logs[place.index]);
            case Kind::Kept:
                return write_kept(recording_.kept[place.index]);
            case Kind::Finding:
                return write_finding(recording_.findings[place.index]);
        }
        unreachable();
    }

    std::string room_of(Index event) const {
        return recording_.room_name(recording_.events[event].event->room_id);
    }

    void write_arrival(const RecordedMessage& message) {
        const RecordedMessage& request =
            message.request ? recording_.messages[*message.request] : message;
        const bool is_dull = message.request && message.what == "200" && message.events.empty();
        if (is_dull) return;
        Line line{.at_us = *message.arrived_us,
                  .server = recording_.host_name(message.to),
                  .kind = message.request ? "answer" : "request",
                  .room = message.events.empty() ? "" : room_of(message.events.front()),
                  .event = {},
                  .verdict = message.request ? message.what : "",
                  .detail = "from " + recording_.host_name(message.from) + ": " +
                            describe_request(recording_, request.what)};
        if (message.events.size() == 1) {
            line.event = recording_.events[message.events.front()].name;
        } else if (!message.events.empty()) {
            line.event = std::to_string(message.events.size());
            line.detail += ": " + list_names(recording_, message.events, kNamesShown);
        }
        for (const std::string& edu : message.edus)
            line.detail += " +" + edu;
        if (!message.errcode.empty()) line.detail += ": " + message.errcode;
        add(line);
    }

    void write_loss(const RecordedMessage& message) {
        add({.at_us = message.sent_us,
             .server = recording_.host_name(message.from),
             .kind = "lost",
             .room = {},
             .event = {},
             .verdict = {},
             .detail = "to " + recording_.host_name(message.to) + ": " +
                       describe_request(recording_, message.what)});
    }

    void write_storing(const RecordedStoring& storing) {
        const Event& event = *recording_.events[storing.event].event;
        std::string detail = describe_key(event) + " by " + event.sender.text() + " depth " +
                             std::to_string(event.depth) + " after";
        for (const EventId& id : event.prev_events)
            detail += " " + recording_.event_name(id);
        if (!storing.rule.empty()) {
            detail += "; " + storing.rule + ": " + with_names(recording_, storing.detail);
        }
        if (!storing.redacted_by.empty())
            detail += "; by " + recording_.event_name(EventId(storing.redacted_by));
        add({.at_us = storing.at_us,
             .server = recording_.host_name(storing.server),
             .kind = "event",
             .room = room_of(storing.event),
             .event = recording_.events[storing.event].name,
             .verdict = describe_verdict(storing),
             .detail = std::move(detail)});
    }

    // Only what is new, and more than the event just stored as the one extremity.
    void write_room(const RecordedRoom& room) {
        RecordedRoom& known = rooms_[{room.server, room.room}];
        const RecordedRoom before = std::exchange(known, room);
        const bool is_fork = room.extremities.size() > 1 && room.extremities != before.extremities;
        if (before.state == room.state && !is_fork) return;
        std::string detail = "extremities " + list_names(recording_, room.extremities, kNamesShown);
        const auto old_state = recording_.find_state(before.state);
        const auto new_state = recording_.find_state(room.state);
        if (before.state != room.state && old_state && new_state) {
            detail +=
                "; " + describe_differences(recording_, *old_state, *new_state, kDifferencesShown);
        }
        add({.at_us = room.at_us,
             .server = recording_.host_name(room.server),
             .kind = "state",
             .room = recording_.room_name(room.room),
             .event = {},
             .verdict = before.state != room.state ? "changed" : "forked",
             .detail = std::move(detail)});
    }

    void write_note(const RecordedNote& note) {
        // The whole scenario, and what the hash is to hold of the end.
        if (note.kind == "scenario" || note.kind == "final") return;
        const auto server = find_first_host(recording_, note.detail);
        add({.at_us = note.at_us,
             .server = server ? recording_.host_name(*server) : "",
             .kind = note.kind,
             .room = {},
             .event = {},
             .verdict = {},
             .detail = with_names(recording_, note.detail)});
    }

    void write_client_request(const RecordedClient& client) {
        add({.at_us = client.at_us,
             .server = recording_.host_name(client.server),
             .kind = "client",
             .room = {},
             .event = {},
             .verdict = {},
             .detail = client.user + ": " + describe_request(recording_, client.what)});
    }

    void write_client_answer(const RecordedClient& client) {
        std::string detail = client.user + ": " + describe_request(recording_, client.what);
        if (!client.error.empty()) detail += ": " + with_names(recording_, client.error);
        add({.at_us = *client.answered_us,
             .server = recording_.host_name(client.server),
             .kind = "reply",
             .room = {},
             .event =
                 client.event_id.empty() ? "" : recording_.event_name(EventId(client.event_id)),
             .verdict = std::to_string(client.status),
             .detail = std::move(detail)});
    }

    void write_log(const RecordedLog& log) {
        // They stand there as events.
        if (log.name == "event_rejected" || log.name == "event_soft_failed") return;
        Line line{.at_us = log.at_us,
                  .server = recording_.host_name(log.server),
                  .kind = "log",
                  .room = {},
                  .event = {},
                  .verdict = {},
                  .detail = log.name + " " + with_names(recording_, log.text())};
        const bool is_dropped = log.name == "event_dropped";
        if (is_dropped || log.name == "event_unplaced") {
            line.kind = "event";
            line.verdict = is_dropped ? "dropped" : "waits";
            if (const json::Value* id = log.fields.find("event"); id && id->if_string())
                line.event = recording_.event_name(EventId(*id->if_string()));
        }
        add(line);
    }

    void write_kept(const RecordedKept& kept) {
        add({.at_us = kept.at_us,
             .server = recording_.host_name(kept.server),
             .kind = "kept",
             .room = room_of(kept.event),
             .event = recording_.events[kept.event].name,
             .verdict = "changed",
             .detail = kept.what});
    }

    void write_finding(const RecordedFinding& finding) {
        add({.at_us = finding.at_us,
             .server = {},
             .kind = "finding",
             .room = {},
             .event = {},
             .verdict = finding.checker,
             .detail = with_names(recording_, finding.what)});
    }

    void add_names() {
        for (const ScenarioRoom& room : recording_.scenario_rooms)
            text_ += "# " + padded(room.name, kWidths[4]) + room.id.text() + " version " +
                     room.version + '\n';
        for (const RecordedEvent& event : recording_.events)
            text_ += "# " + padded(event.name, kWidths[4]) + event.event->id.text() + ' ' +
                     describe_key(*event.event) + '\n';
    }

    const Recording& recording_;
    std::string text_;
    std::map<std::pair<int, RoomId>, RecordedRoom> rooms_;  ///< As the last line said.
};

}  // namespace

std::string write_text_log(const Recording& recording) {
    return LogWriter(recording).write_all();
}

}  // namespace matrix::simulator
