// The table of what the server logs: every line has one of these names, whatever else it says.
//
// Whoever watches a server greps for names and fields: they are stable. README.md beside this
// file lists them; tests/refserver/log_names.py compares table, README and sources.
#pragma once

#include <array>
#include <string_view>

namespace matrix::runtime {

enum class LogLevel { Debug, Info, Warning, Error };

/// A kind of line.
struct LogKind {
    std::string_view name;
    LogLevel level;
    std::string_view fields;  ///< Their keys, with spaces between. Not every line has all of them.
    std::string_view meaning;
};

// In the order of names.
inline constexpr auto kLogKinds = [] {
    using enum LogLevel;
    return std::array{
        LogKind{"accept_failed", Warning, "why", "no connection can be taken for a moment"},
        LogKind{"address_refused", Info, "server why", "the policy for addresses forbids it"},
        LogKind{"authentication_failed", Info, "target why", "a request that no server has signed"},
        LogKind{
            "catching_up", Info, "server rooms", "a server that was away gets the newest events"},
        LogKind{"checkpoint_failed", Error, "why", "the log of the database stays long"},
        LogKind{"commit_failed", Error, "why", "its requests are answered with errors"},
        LogKind{"discovery_failed", Info, "server why", "a server name leads to no address"},
        LogKind{"disk_full", Error, "why", "a commit failed for lack of room"},
        LogKind{"edu_refused", Info, "server type why", "what is wrong with an EDU"},
        LogKind{"event_dropped", Info, "room event server why", "not stored, and may come again"},
        LogKind{"event_given_up",
                Info,
                "room event attempts",
                "nobody gave what its place in the room needs"},
        LogKind{"event_placed_late",
                Info,
                "room event attempts",
                "what waited for its place in the room has it"},
        LogKind{"event_rejected",
                Info,
                "room event server rule why",
                "its auth or its state forbid it"},
        LogKind{"event_soft_failed",
                Info,
                "room event server rule why",
                "the current state or the policy server forbids it"},
        LogKind{"event_unplaced", Info, "room event server why", "it waits, and is tried again"},
        LogKind{"events_dropped",
                Warning,
                "room count",
                "of many that another server gave: malformed, of another room, or not signed"},
        LogKind{"extremities_merged", Info, "room count", "a dummy event joins too many of them"},
        LogKind{"gap_left", Info, "room event server why", "events before it could not be fetched"},
        LogKind{"invite_failed", Info, "room user why", "an invite was not sent"},
        LogKind{"key_fetch_failed", Info, "server why", "a server does not give its keys"},
        LogKind{"key_notary_failed", Info, "server notary why", "a notary does not give another's"},
        LogKind{"peer_backed_off", Info, "server failures pause_ms", "it is not asked for so long"},
        LogKind{"peer_failed", Info, "server failures why", "a request has no answer"},
        LogKind{"peer_recovered", Info, "server", "a server that was backed off answers"},
        LogKind{"peer_refused_event", Info, "server event why", "what it says to an event of ours"},
        LogKind{"policy_refused", Info, "server room event why", "a policy server does not sign"},
        LogKind{"profile_not_shown", Info, "user room why", "a room keeps the old profile"},
        LogKind{"queue_collapsed", Info, "server why", "its queue became a list of rooms"},
        LogKind{"resident_failed",
                Info,
                "server doing why",
                "a room could not be entered, or left, through it"},
        LogKind{"resync_failed", Info, "user why", "a remote user's devices stay unknown"},
        LogKind{"slow_turn", Info, "turn_us cpu_us", "everybody waited for longer than 5 ms"},
        LogKind{"snapshot_failed", Warning, "file why", "a copy of the database was not made"},
        LogKind{"snapshot_made", Info, "file bytes", "a copy of the database"},
        LogKind{"srv_failed", Info, "record why", "an SRV record could not be asked for"},
        LogKind{"state_incomplete",
                Warning,
                "room event server count",
                "of a fetched state so many events are given by nobody"},
        LogKind{"sync_failed", Error, "file why", "the process ends: what was written may be lost"},
        LogKind{"transaction_failed", Info, "server failures why", "it is sent again"},
        LogKind{"transactions_taken_again", Info, "server", "a server that took none takes them"},
        LogKind{"well_known_failed", Info, "server why", "the document delegates to nobody"},
    };
}();

/// A name of the table; any other does not compile.
class LogName {
public:
    consteval LogName(const char* name) : kind_(find(name)) {}
    const LogKind& kind() const { return *kind_; }

private:
    // The end of a consteval function without a result is an error of the compiler.
    static consteval const LogKind* find(std::string_view name) {
        for (const LogKind& kind : kLogKinds) {
            if (kind.name == name) return &kind;
        }
        throw "this name is not in kLogKinds";
    }
    const LogKind* kind_;
};

}  // namespace matrix::runtime
