// Arena: the target, our servers, their users and their rooms, and how a run asks them.
//
// The target is a black box, started or reached as the conformance suite does it; a witness, which
// is one of the suite's federation peers, sits in every room, is sent what the target sends to
// others, and asks the target what servers ask. Our own servers can be looked into.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/harness/run.h"
#include "conformance/harness/session.h"
#include "simulator/live/our_servers.h"
#include "simulator/live/plan.h"
#include "simulator/live/report.h"

namespace matrix::live {

using conformance::Client;
using conformance::HttpRequest;
using conformance::Json;
using conformance::Peer;
using conformance::Response;
using conformance::Target;

struct LiveOptions {
    conformance::TargetOptions target;
    PlanOptions plan;
    std::vector<std::string> room_versions;  ///< Those that the target knows are used.
    std::string ca_dir;                      ///< Of the authority; empty: a new one.
    std::string bind_ip = "127.0.0.1";
    std::string host = "localhost";
    std::uint16_t first_port = 0;
    std::chrono::milliseconds settle_within{120'000};
    std::chrono::milliseconds answer_within{30'000};
    bool has_byzantine = true;
    std::string log_file = "/dev/null";  ///< Of a target that is started here.
    runtime::LogLevel log_level = runtime::LogLevel::Error;
};

/// A user of one side.
struct Actor {
    Client client;
    int side = 0;
    bool is_anchor = false;
};

struct LiveRoom {
    RoomId id;
    const RoomRules* rules = nullptr;
    int owner = 0;  ///< The side whose anchor made it.
};

/// May a failure be that of another server, whom the target had to ask?
enum class Reliance { Itself, OtherServers };

class Arena {
public:
    /// Reaches the target, starts our servers, makes users. Why that is impossible is the error.
    static std::expected<std::unique_ptr<Arena>, std::string> open(LiveOptions options,
                                                                   Report& report);
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();

    /// Rooms, made in turn by the target and by ours, and everybody in them. False if that is
    /// impossible, with a finding or a reason in the report.
    bool furnish();

    /// One request of a user; waits when the server says that it has had too many. What the target
    /// does wrong in answering becomes a finding.
    Response call(const Actor& actor,
                  std::string method,
                  std::string target,
                  std::optional<Json> body = std::nullopt,
                  Reliance reliance = Reliance::Itself);
    /// The id of the event if the server took it.
    std::optional<EventId> say(const Actor& actor, const LiveRoom& room, const std::string& text);
    /// Does the target give this event to its anchor?
    bool is_shown(const LiveRoom& room, const EventId& event);

    const LiveOptions& options() const { return options_; }
    Report& report() { return report_; }
    conformance::Session& session() { return *session_; }
    Target& target() { return session_->target(); }
    OurServers& ours() { return *ours_; }
    Peer& witness() { return *witness_; }
    Faults& faults() { return faults_; }
    const std::vector<Actor>& actors() const { return actors_; }
    const Actor& anchor(int side) const {
        return actors_[static_cast<std::size_t>(side * kUsersPerSide)];
    }
    const Actor& target_anchor() const { return anchor(options_.plan.target_side()); }
    const std::vector<LiveRoom>& rooms() const { return rooms_; }
    std::string next_transaction() { return "live" + std::to_string(++transactions_); }

private:
    Arena(LiveOptions options, Report& report);
    std::expected<void, std::string> open_session();
    std::expected<void, std::string> start_ours();
    std::expected<void, std::string> make_users();
    std::expected<void, std::string> choose_versions();
    Json power_levels(const UserId& creator, const RoomRules& rules) const;
    std::optional<LiveRoom> make_room(const std::string& version, int owner);
    bool bring_in_all(const LiveRoom& room);
    std::string list_absent(const LiveRoom& room);
    std::string wait_for_all(const LiveRoom& room);
    void judge_answer(const std::string& request, const Response& response, Reliance reliance);

    LiveOptions options_;
    Report& report_;
    Faults faults_;
    std::unique_ptr<conformance::Session> session_;
    std::unique_ptr<OurServers> ours_;
    std::vector<std::unique_ptr<conformance::HttpClient>> clients_;  ///< Of our servers' users.
    std::vector<Actor> actors_;
    std::vector<std::string> versions_;
    std::vector<LiveRoom> rooms_;
    std::unique_ptr<Peer> witness_;
    std::atomic<std::uint64_t> transactions_ = 0;
};

/// From now on it answers 404 when it is asked for the state of a room.
void keep_silent_about_states(Peer& peer);

/// `/_matrix/client/v3/rooms/{room}` and more, whose parts are encoded already.
std::string path_of(const LiveRoom& room, std::string_view rest);

}  // namespace matrix::live
