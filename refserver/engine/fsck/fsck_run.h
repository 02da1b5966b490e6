// One run of fsck, for the files that implement it alone: what it remembers from part to part.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/fsck/fsck.h"
#include "refserver/engine/rooms/event_checks.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/state_resolver.h"
#include "refserver/storage/audit.h"
#include "refserver/storage/events.h"
#include "refserver/storage/lru_map.h"

namespace matrix::engine::fsck {

using storage::Audit;
using storage::EventStatus;

inline constexpr std::int64_t kSliceRows = 500;
inline constexpr std::size_t kEventsKept = 5000;
inline constexpr std::size_t kStatesKept = 1000;
inline constexpr std::size_t kResolversKept = 8;
inline constexpr std::size_t kKeyServersKept = 1000;
/// Events without standing that are looked through for an accepted one behind them.
inline constexpr std::size_t kHiddenEventsMax = 1000;

/// An event that could be read, and what is stored about it.
struct Known {
    EventPtr event;
    std::int64_t number = 0;
    std::int64_t room = 0;
    EventStatus status = EventStatus::Accepted;
    bool is_rejected_outlier = false;
    bool is_redacted = false;
    std::int64_t position = 0;
    std::string state_after;  ///< Empty: none.
    bool is_placed() const { return status != EventStatus::Outlier; }
    bool is_rejected() const { return status == EventStatus::Rejected || is_rejected_outlier; }
};

struct KnownRoom {
    RoomId id;
    const RoomRules* rules = nullptr;  ///< Null: a version that this program does not know.
    std::string current_state;         ///< Empty: none.
    EventPtr create;                   ///< Null: none that can be read.
    /// Where our first user came in the last time; events before it are no extremities any more.
    std::int64_t last_entry = 0;
};

class Run {
public:
    Run(storage::Database& database, const FsckOptions& options);

    FsckCounts run();

private:
    void report(std::string_view name,
                std::string_view room_id,
                std::string_view event_id,
                std::string expected,
                std::string found);

    // fsck_events.cpp: each event by itself.

    void check_events();
    void check_event(const Audit::Event& row);
    bool check_columns(const Audit::Event& row, const Event& event);
    void check_hash(const Audit::Event& row, const Event& event, const json::Object& pdu);
    void check_signatures(const Event& event, const json::Object& pdu);
    void check_redaction(const Audit::Event& row, const Event& event);
    void check_outlier(const Audit::Event& row, const KnownRoom& room, const Event& event);
    void check_place(const Audit::Event& row, const KnownRoom& room, const Event& event);
    bool check_cited_known(const Audit::Event& row, const Event& event);
    void check_verdict(const Audit::Event& row,
                       const auth::Verdict& verdict,
                       const std::vector<EventId>& inputs);
    std::vector<EventId> list_inputs(const Event& event, const State* before) const;
    bool may_have_changed(const auth::Verdict& verdict,
                          const Audit::Event& row,
                          const std::vector<EventId>& inputs);

    // fsck_states.cpp: states, and what is at the front of the graph.

    void check_states(const Audit::Event& row,
                      const KnownRoom& room,
                      const Event& event,
                      const State& before);
    void check_state_before(const Audit::Event& row,
                            const KnownRoom& room,
                            const Event& event,
                            const State& before);
    bool came_out_of_turn(const Audit::Event& row, const Known& previous) const;
    void check_graph(const Audit::Event& row, const Event& event);
    void mark_followed(const Audit::Event& row, const Event& event);
    void check_tips();
    void check_entries(const KnownRoom& room, std::int64_t number, const State& state);
    void check_rooms();
    void check_room(std::int64_t number, const KnownRoom& room);
    void check_unentered(std::int64_t number, const KnownRoom& room);
    void check_extremities(std::int64_t number, const KnownRoom& room, const State& current);
    void check_members(std::int64_t number, const KnownRoom& room, const State& current);
    void check_nodes();

    // fsck_run.cpp: memory.

    std::optional<EventId> find_create(const KnownRoom& room);
    void read_rooms();
    void read_own_keys();
    void check_rows();
    void check_files();
    const KnownRoom* find_room(std::int64_t number) const;
    /// Nothing if it is unknown or cannot be read.
    std::optional<Known> find_known(std::string_view event_id);
    std::optional<Known> parse_known(const Audit::Event& row) const;
    CheckContext checks_of(const KnownRoom& room);
    const std::map<KeyId, ServerKey>& keys_of(const ServerName& server);
    /// Nothing if a node is missing or damaged.
    std::optional<State> load_state(const std::string& root);
    State resolve(std::int64_t room, const std::vector<State>& states);
    void keep_state(const State& state);

    /// By number: does an accepted event follow it?
    std::vector<bool> followed_;

    storage::Database& database_;
    Audit audit_;
    const FsckOptions& options_;
    FsckCounts counts_;
    std::map<std::int64_t, KnownRoom> rooms_;
    std::map<KeyId, ServerKey> own_keys_;
    storage::LruMap<std::optional<Known>> events_{kEventsKept};
    storage::LruMap<State> states_{kStatesKept};
    storage::LruMap<std::shared_ptr<Resolver>> resolvers_{kResolversKept};
    storage::LruMap<std::map<KeyId, ServerKey>> keys_{kKeyServersKept};
    /// The last state of each room whose entries were looked up.
    storage::LruMap<State> looked_up_{kResolversKept};
};

/// A state's root as a column has it.
std::string root_text(const State& state);
/// For people: unpadded base64 of a root; "none" of nothing.
std::string describe_root(const std::optional<std::string>& root);

}  // namespace matrix::engine::fsck
