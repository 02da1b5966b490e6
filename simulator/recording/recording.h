// Recording: what a recorder wrote of a run, read back for those who explain or draw it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/state.h"
#include "refserver/storage/events.h"

namespace matrix::simulator {

/// In a list of the recording: of events, of messages.
using Index = std::size_t;

struct RecordedDispatch {
    std::int64_t at_us = 0;
    int server = 0;  ///< -1: the world's.
};

struct RecordedEvent {
    std::string name;  ///< Short, and the same in similar runs: "s3:12", the 12th that s3 made.
    EventPtr event;    ///< The first of its texts.
    std::vector<EventPtr> texts;  ///< Redacted ones, for example.
};

struct RecordedMessage {
    int from = 0;
    int to = 0;
    std::int64_t sent_us = 0;
    std::optional<std::int64_t> arrived_us;  ///< Nothing: it was lost, or the run ended before.
    bool was_sent = true;                    ///< False: it was lost before it set out.
    std::string what;                        ///< "PUT /_matrix/...", or a status.
    std::vector<Index> events;               ///< That it carried.
    std::vector<std::string> edus;           ///< Their types.
    std::string errcode;
    std::size_t bytes = 0;
    std::optional<Index> request;  ///< Of an answer.
};

/// What a server stored of an event.
struct RecordedStoring {
    std::int64_t at_us = 0;
    int server = 0;
    Index event = 0;
    Index text = 0;  ///< In the event's texts.
    storage::EventStatus status = storage::EventStatus::Accepted;
    bool is_rejected_outlier = false;
    std::string rule;  ///< Of a refusal.
    std::string detail;
    std::optional<State::Hash> before;
    std::optional<State::Hash> after;
    std::string redacted_by;
};

/// What is true in a room of a server from then on.
struct RecordedRoom {
    std::int64_t at_us = 0;
    int server = 0;
    RoomId room;
    std::vector<Index> extremities;
    State::Hash state = {};
};

/// A step of the scenario, a fault that ended, ...: notes of the trace.
struct RecordedNote {
    std::int64_t at_us = 0;
    std::string kind;
    std::string detail;
};

struct RecordedClient {
    std::int64_t at_us = 0;
    std::optional<std::int64_t> answered_us;
    int server = 0;
    std::string user;
    std::string what;
    int status = 0;
    std::string error;  ///< errcode and error.
    std::string event_id;
};

struct RecordedLog {
    std::int64_t at_us = 0;
    int server = 0;
    std::string name;
    json::Object fields;
    std::string text() const;  ///< The fields, as in a log.
};

struct RecordedFinding {
    std::int64_t at_us = 0;
    std::string checker;
    std::string what;
};

/// An event that a server's database has in another way than the server stored it.
struct RecordedKept {
    std::int64_t at_us = 0;
    int server = 0;
    Index event = 0;
    std::string what;
};

struct ScenarioRoom {
    std::string name;
    RoomId id;
    std::string version;
};

/// What a record is about: a list of the recording, and the place there. All of them together are
/// the run in its order.
struct RecordPlace {
    enum class Kind {
        Dispatch,
        Sent,
        Arrived,
        Lost,
        Storing,
        Room,
        Note,
        ClientRequest,
        ClientAnswer,
        Log,
        Finding,
        Kept,
    };
    Kind kind;
    Index index = 0;
};

struct Recording {
    std::vector<std::string> hosts;  ///< Names by number; servers first.
    std::vector<RecordedDispatch> dispatches;
    std::vector<RecordedEvent> events;
    std::vector<RecordedMessage> messages;
    std::vector<RecordedStoring> storings;
    std::vector<RecordedRoom> rooms;
    std::vector<RecordedNote> notes;
    std::vector<RecordedClient> clients;
    std::vector<RecordedLog> logs;
    std::vector<RecordedFinding> findings;
    std::vector<RecordedKept> kept;
    std::vector<ScenarioRoom> scenario_rooms;
    std::vector<RecordPlace> order;
    std::map<State::Hash, std::string> state_nodes;
    std::map<EventId, Index> event_by_id;
    std::int64_t end_us = 0;
    bool is_cut = false;  ///< There was more than a recorder writes down.

    std::optional<Index> find_event(const EventId& id) const;
    /// Nothing if a part of it was never stored.
    std::optional<State> find_state(const State::Hash& root) const;
    /// "s3", or "the world".
    std::string host_name(int number) const;
    /// The name of the scenario, or the id.
    std::string room_name(const RoomId& id) const;
    /// The event's short name, or the id of one that nobody had.
    std::string event_name(const EventId& id) const;
};

/// Reads from the beginning of a file that a recorder wrote. What it did not write whole, because
/// its process ended, is left out.
Recording read_recording(std::FILE* file);

}  // namespace matrix::simulator
