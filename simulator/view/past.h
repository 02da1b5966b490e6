// Past: questions about a recorded run that a story and a page have in common.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "refserver/commands/explanation.h"
#include "simulator/recording/recording.h"

namespace matrix::simulator {

/// Of a fault, from its beginning to its end.
struct FaultSpan {
    std::string what;          ///< The step: verb and arguments.
    std::vector<int> servers;  ///< That it names; empty: it concerns all.
    std::int64_t from_us = 0;
    std::int64_t until_us = 0;
};

/// While a server was down.
struct DownSpan {
    int server = 0;
    std::int64_t from_us = 0;
    std::int64_t until_us = 0;
    std::string why;
};

/// Where two servers ceased to agree about a room.
struct Parting {
    enum class Kind {
        Verdict,    ///< Of one event, one server's verdict is not the other's.
        State,      ///< Before one event that both have placed, their states differ.
        Missing,    ///< One of them never got it, or never placed it.
        SoftFailed  ///< One shows it, the other does not: allowed, and yet where they part.
    };
    Kind kind;
    Index event = 0;
};

/// The number of the host whose name the text begins with; nothing: of none.
std::optional<int> find_first_host(const Recording& recording, std::string_view text);
/// The numbers of the hosts that a note names: the arguments of a step.
std::vector<int> list_named_servers(const Recording& recording, const std::string& detail);

/// The states that met before an event, as one server knew them, and how they were resolved.
struct Meeting {
    std::vector<State> states;
    commands::Explanation explanation;
    State resolved;              ///< By the oracle.
    std::optional<State> taken;  ///< By the server.
};

class Past {
public:
    explicit Past(const Recording& recording);
    Past(const Past&) = delete;
    Past& operator=(const Past&) = delete;

    /// What a server made of an event when the run ended; null if it never stored it.
    const RecordedStoring* find_last(int server, Index event) const;
    /// When it stored it first, as an outlier or at its place.
    const RecordedStoring* find_first(int server, Index event) const;
    /// When it found its place.
    const RecordedStoring* find_placed(int server, Index event) const;

    /// The message by which a server got an event: the last with it that arrived until then.
    /// Nothing if none did, as for events of its own.
    std::optional<Index> find_carrier(int server, Index event, std::int64_t until_us) const;
    /// Messages with an event in them, in the order of sending.
    const std::vector<Index>& messages_with(Index event) const;

    const std::vector<FaultSpan>& faults() const { return faults_; }
    const std::vector<DownSpan>& downs() const { return downs_; }
    std::vector<const FaultSpan*> faults_at(std::int64_t at_us) const;

    /// What was true in a room of a server at that time; null before it had the room.
    const RecordedRoom* find_room(int server, const RoomId& room, std::int64_t at_us) const;

    /// The event of least depth about which two servers differ at the end; nothing: none.
    std::optional<Parting> find_parting(const RoomId& room, int a, int b) const;

    /// What a verdict came from: the state before the event, or the current one if that soft-failed
    /// it. Nothing if it is not known.
    std::optional<State> find_judging_state(const RecordedStoring& storing) const;

    /// The roots of the states that met before an event at a server, and last that of the state
    /// which it took; empty where `find_meeting` gives nothing. Equal roots are equal meetings.
    std::vector<State::Hash> list_meeting_roots(int server, Index event) const;
    /// Nothing if fewer than two different states met, or one of them is unknown.
    std::optional<Meeting> find_meeting(int server, Index event) const;

    const Recording& recording() const { return recording_; }

private:
    void add_faults();
    void add_downs();
    /// Has the server a joined user in the room in the end, as far as `observer` knows?
    bool is_joined(int server, const RoomId& room, int observer) const;
    /// The events that must reach a server which is in the room; none of one that is not.
    std::set<Index> list_expected(int server, const RoomId& room) const;
    /// The extremities that the server has in the end, and everything before them.
    std::set<Index> list_behind(int server, const RoomId& room) const;

    const Recording& recording_;
    std::map<std::pair<int, Index>, std::vector<Index>> storings_;  ///< By server and event.
    std::map<Index, std::vector<Index>> messages_;                  ///< By event.
    std::map<std::pair<int, RoomId>, std::vector<Index>> rooms_;
    std::vector<FaultSpan> faults_;
    std::vector<DownSpan> downs_;
};

}  // namespace matrix::simulator
