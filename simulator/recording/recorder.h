// Recorder: writes down what happens in a run, for those who look at it afterwards.
//
// It draws nothing, reads nothing of any server and is in no hash: a recorded run is the same run.
// Each record goes to the file at once, so that what led to a crash stands there, too. Read by
// recording.h.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"
#include "refserver/runtime/log.h"
#include "refserver/storage/audit.h"
#include "refserver/storage/watch.h"

namespace matrix::simulator {

class Recorder {
public:
    /// What comes after so many bytes is not written down; the last record says so.
    static constexpr std::uint64_t kBytesMax = std::uint64_t{4} << 30;

    /// The file stays the caller's, and outlives this.
    explicit Recorder(std::FILE* out) : out_(out) {}
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    /// From now on asks for the time of what happens between dispatches, too; until then that is
    /// the time of the last one.
    void tell_time_by(std::function<std::int64_t()> now_us) { now_us_ = std::move(now_us); }

    void dispatch(std::int64_t time_us, int server);
    /// A host of the network: servers first, in the order of their numbers.
    void host(int number, std::string_view name);

    // Messages have numbers, each its own.

    /// A request or an answer sets out. `what` begins with "METHOD target" or is a status.
    void message(
        std::uint64_t number, int from, int to, std::string_view what, std::string_view body);
    void answers(std::uint64_t answer, std::uint64_t request);
    void arrived(std::uint64_t number);
    /// What never set out, or never arrives.
    void lost(int from, int to, std::string_view what);

    void note(std::string_view kind, std::string_view detail);
    void finding(std::string_view checker, std::string_view what);
    void room(std::string_view name, const RoomId& id, std::string_view version);
    /// A client asks its server, and is answered.
    void client_request(std::uint64_t number,
                        int server,
                        const UserId& user,
                        std::string_view what);
    void client_answer(std::uint64_t number, int status, const json::Value& body);
    void log(int server, const runtime::LogLine& line);

    /// What a server's database has of an event when the run is over. Written down if that is not
    /// what it stored last.
    void kept(int server, const storage::Audit::Event& row);

    /// For the options of the server with this number.
    const storage::Watch* watch_of(int server);

private:
    void write(json::Object record);
    /// The number of an event's text, which is written when it is seen for the first time.
    std::int64_t number_of(const Event& event);
    json::Array list_events(std::string_view what, const json::Value& body);
    void add_event(const json::Value& pdu, json::Array& ids);
    void add_stored(int server, const storage::StoredEvent& stored);
    void add_node(const State::StoredNode& node);
    void add_room_change(int server,
                         const RoomId& room,
                         const std::vector<EventId>& extremities,
                         const State::Hash& current_state);

    /// Of an event, by a server.
    struct Stored {
        std::string text;
        storage::EventStatus status = storage::EventStatus::Accepted;
        std::optional<State::Hash> before;
        std::optional<State::Hash> after;
    };

    std::FILE* out_;
    std::uint64_t bytes_ = 0;
    std::function<std::int64_t()> now_us_;
    std::int64_t dispatched_at_us_ = 0;
    std::map<std::pair<EventId, std::string>, std::int64_t> events_;  ///< By id and text.
    std::map<RoomId, const RoomRules*> rules_;
    std::set<State::Hash> nodes_;
    std::map<std::pair<int, std::string>, Stored> stored_;  ///< By server and id of the event.
    std::map<int, std::unique_ptr<storage::Watch>> watches_;
};

}  // namespace matrix::simulator
