#include "simulator/live/arena.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "conformance/harness/steps.h"
#include "refserver/base/result_macros.h"
#include "refserver/platform/development_ca.h"

namespace matrix::live {
namespace {

using conformance::escape;
using conformance::string_at;
using std::chrono::milliseconds;

constexpr int kPatience = 20;  ///< So often one waits when a server is asked too much.
constexpr int kPauseMsDefault = 250;
constexpr int kPauseMsMax = 5'000;
constexpr milliseconds kGreetingsHeardWithin{5'000};  ///< Before all greet again.
constexpr const char* kAnchorName = "anchor";
constexpr const char* kOtherName = "other";
constexpr const char* kWitnessName = "witness";

std::expected<std::string, std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(path + ": cannot be read");
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

// The authority of a folder, made there if need be, as the harness wants it.
std::expected<conformance::TlsIdentity, std::string> read_authority(const std::string& folder) {
    RETURN_IF_ERROR(platform::DevelopmentCa::open(folder));
    ASSIGN_OR_RETURN(std::string certificate, read_text(folder + "/ca.pem"));
    ASSIGN_OR_RETURN(std::string key, read_text(folder + "/ca-key.pem"));
    return conformance::TlsIdentity{std::move(certificate), std::move(key)};
}

// Where a target file says that the federation API is, if it says so by an address.
std::optional<engine::AppointedAddress> find_appointed(const std::string& federation_url) {
    constexpr std::string_view kScheme = "https://";
    if (!federation_url.starts_with(kScheme)) return std::nullopt;
    std::string place = federation_url.substr(kScheme.size());
    constexpr std::string_view kLocal = "localhost:";
    if (place.starts_with(kLocal)) place = "127.0.0.1:" + place.substr(kLocal.size());
    const auto address = platform::parse_socket_address(place);
    if (!address) return std::nullopt;
    return engine::AppointedAddress{address->ip, address->port};
}

}  // namespace

std::string path_of(const LiveRoom& room, std::string_view rest) {
    return "/_matrix/client/v3/rooms/" + escape(room.id.view()) + std::string(rest);
}

std::expected<std::unique_ptr<Arena>, std::string> Arena::open(LiveOptions options,
                                                               Report& report) {
    std::unique_ptr<Arena> arena(new Arena(std::move(options), report));
    RETURN_IF_ERROR(arena->open_session());
    RETURN_IF_ERROR(arena->start_ours());
    RETURN_IF_ERROR(arena->make_users());
    RETURN_IF_ERROR(arena->choose_versions());
    return arena;
}

Arena::Arena(LiveOptions options, Report& report)
    : options_(std::move(options)), report_(report), faults_(options_.plan.seed) {}

// What asks goes before what is asked.
Arena::~Arena() {
    witness_.reset();
    ours_.reset();
}

std::expected<void, std::string> Arena::open_session() {
    ASSIGN_OR_RETURN(auto description, conformance::read_target(options_.target));
    if (!description.verifies_tls) {
        return std::unexpected(
            "verify_tls: our servers check certificates, as all servers do; give the target one "
            "that ca_file of the target file, or --ca-dir, vouches for");
    }
    std::optional<conformance::TlsIdentity> authority;
    if (!options_.ca_dir.empty()) {
        ASSIGN_OR_RETURN(authority, read_authority(options_.ca_dir));
    }
    const bool is_started_here = !description.command.empty();
    auto session = conformance::Session::open({.description = std::move(description),
                                               .bin_dir = options_.target.bin_dir,
                                               .log_file = options_.log_file,
                                               .peer_bind = options_.bind_ip + ":0",
                                               .peer_name = "",
                                               .authority = std::move(authority)});
    if (!session) return std::unexpected(std::move(session).error());
    session_ = *std::move(session);
    for (const auto capability :
         {conformance::Capability::Users, conformance::Capability::Federation}) {
        const std::string obstacle = target().obstacle_to(capability);
        if (obstacle.empty()) continue;
        const std::string advice =
            is_started_here ? "" : " (a server that runs must trust the authority of --ca-dir)";
        return std::unexpected("the target cannot be used: " + obstacle + advice);
    }
    return {};
}

std::expected<void, std::string> Arena::start_ours() {
    const conformance::PeerIdentity& identity = session_->identity();
    OurServersOptions settings;
    settings.servers = options_.plan.servers;
    settings.users = {kAnchorName, kOtherName};
    settings.bind_ip = options_.bind_ip;
    settings.host = options_.host;
    settings.first_port = options_.first_port;
    const conformance::TlsIdentity certificate = conformance::make_certificate(
        identity.authority, {options_.host, "localhost", "127.0.0.1"});
    settings.certificate = {certificate.certificate, certificate.private_key};
    ASSIGN_OR_RETURN(settings.authorities_pem, read_text(target().description().ca_file));
    settings.target = target().server_name();
    settings.log_level = options_.log_level;
    if (const auto appointed = find_appointed(target().description().federation_url))
        settings.appointed[target().server_name().text()] = *appointed;
    ASSIGN_OR_RETURN(ours_, OurServers::start(std::move(settings), faults_));
    return {};
}

std::expected<void, std::string> Arena::make_users() {
    for (int side = 0; side < ours_->count(); ++side) {
        clients_.push_back(std::make_unique<conformance::HttpClient>(
            conformance::HttpOptions{.base_url = ours_->client_url(side),
                                     .ca_file = "",
                                     .who = "server " + std::to_string(side)},
            session_->log()));
        for (const char* name : {kAnchorName, kOtherName}) {
            const UserId user("@" + std::string(name) + ":" + ours_->name(side).text());
            actors_.push_back(
                {.client = Client(
                     *clients_.back(), user, ours_->access_token(side, name), DeviceId("LIVE")),
                 .side = side,
                 .is_anchor = name == kAnchorName});
        }
    }
    for (const char* name : {kAnchorName, kOtherName}) {
        auto user = target().try_make_user(name);
        if (!user) return std::unexpected(std::move(user).error());
        actors_.push_back({.client = *std::move(user),
                           .side = options_.plan.target_side(),
                           .is_anchor = name == kAnchorName});
    }
    witness_ = std::make_unique<Peer>(session_->identity(), target(), session_->log());
    if (!witness_->failure().empty()) return std::unexpected(witness_->failure());
    keep_silent_about_states(*witness_);
    return {};
}

// The suite's peers resolve no states: what they said about one would be a lie that was not asked
// for.
void keep_silent_about_states(Peer& peer) {
    peer.on("GET", "/_matrix/federation/v1/state", [](const conformance::IncomingRequest&) {
        return conformance::respond_error(404, "M_NOT_FOUND", "this server tells no states");
    });
}

std::expected<void, std::string> Arena::choose_versions() {
    for (const std::string& version : options_.room_versions) {
        if (target().has_room_version(version)) versions_.push_back(version);
    }
    if (!versions_.empty()) return {};
    return std::unexpected("--room-version: the target knows none of these room versions");
}

// --- Requests ------------------------------------------------------------------------------------

void Arena::judge_answer(const std::string& request, const Response& response, Reliance reliance) {
    report_.count("answers of the target to clients");
    const bool is_silent = response.status == 0;
    if (!is_silent && response.status < kServerError) return;
    const std::string evidence = request + ": " + testing::PrintToString(response);
    if (reliance == Reliance::OtherServers && !faults_.is_healed()) {
        report_.count("  failed, when it had to ask servers over faulty links");
        return;
    }
    report_.add({.check = "answers",
                 .place = "client-server-api/#standard-error-response",
                 .what = is_silent ? "The target does not answer a client within " +
                                         std::to_string(options_.answer_within.count()) + " ms."
                                   : "The target answers a client with status " +
                                         std::to_string(response.status) + ".",
                 .evidence = evidence});
}

Response Arena::call(const Actor& actor,
                     std::string method,
                     std::string target,
                     std::optional<Json> body,
                     Reliance reliance) {
    HttpRequest request{.method = std::move(method), .target = std::move(target)};
    if (body) request.body = body->dump();
    request.timeout = options_.answer_within;
    Response response = actor.client.send(request);
    for (int wait = 0; response.status == kTooManyRequests && wait < kPatience; ++wait) {
        report_.count("waits because of status 429");
        const Json& pause = response.at({"retry_after_ms"});
        const int pause_ms = pause.is_number_integer() ? pause.get<int>() : kPauseMsDefault;
        std::this_thread::sleep_for(milliseconds(std::clamp(pause_ms, 1, kPauseMsMax)));
        response = actor.client.send(request);
    }
    if (actor.side == options_.plan.target_side())
        judge_answer(request.method + " " + request.target, response, reliance);
    return response;
}

std::optional<EventId> Arena::say(const Actor& actor,
                                  const LiveRoom& room,
                                  const std::string& text) {
    const Response sent = call(actor,
                               "PUT",
                               path_of(room, "/send/m.room.message/" + next_transaction()),
                               Json{{"msgtype", "m.text"}, {"body", text}});
    if (!sent.is_ok()) return std::nullopt;
    return EventId(string_at(sent.body, {"event_id"}));
}

bool Arena::is_shown(const LiveRoom& room, const EventId& event) {
    return call(target_anchor(), "GET", path_of(room, "/event/" + escape(event.view()))).is_ok();
}

// --- Rooms ---------------------------------------------------------------------------------------

// Anchors are above everything that others may do; from v12 on the creator is above all by himself.
Json Arena::power_levels(const UserId& creator, const RoomRules& rules) const {
    constexpr int kAnchorLevel = 100;
    constexpr int kOtherLevel = 50;
    Json users = Json::object();
    for (const Actor& actor : actors_) {
        if (actor.is_anchor) users[actor.client.user().text()] = kAnchorLevel;
    }
    if (rules.has_privileged_creators) users.erase(creator.text());
    Json events = Json::object();
    for (const char* type : {"m.room.power_levels",
                             "m.room.join_rules",
                             "m.room.server_acl",
                             "m.room.history_visibility",
                             "m.room.tombstone",
                             "m.room.encryption"}) {
        events[type] = kAnchorLevel;
    }
    return {{"users", std::move(users)},
            {"events", std::move(events)},
            {"users_default", 0},
            {"events_default", 0},
            {"state_default", kOtherLevel},
            {"invite", 0},
            {"kick", kOtherLevel},
            {"ban", kOtherLevel},
            {"redact", kOtherLevel}};
}

std::optional<LiveRoom> Arena::make_room(const std::string& version, int owner) {
    const RoomRules* rules = find_room_rules(version);
    const Actor& creator = anchor(owner);
    const Json body = {
        {"preset", "public_chat"},
        {"room_version", version},
        {"name", "live " + version},
        {"power_level_content_override", power_levels(creator.client.user(), *rules)}};
    const Response created = call(creator, "POST", "/_matrix/client/v3/createRoom", body);
    const std::string id = string_at(created.body, {"room_id"});
    if (created.is_ok() && !id.empty()) return LiveRoom{RoomId(id), rules, owner};
    const std::string what = "A room of version " + version + " cannot be made on side " +
                             std::to_string(owner) + ": " + testing::PrintToString(created);
    report_.say_stuck(what);
    return std::nullopt;
}

bool Arena::bring_in_all(const LiveRoom& room) {
    const Actor& creator = anchor(room.owner);
    const std::string via = escape(creator.client.user().server().view());
    const std::string path =
        "/_matrix/client/v3/join/" + escape(room.id.view()) + "?server_name=" + via + "&via=" + via;
    for (const Actor& actor : actors_) {
        if (&actor == &creator) continue;
        const Response joined = call(actor, "POST", path, Json::object());
        if (joined.is_ok()) continue;
        const bool concerns_target =
            actor.side == options_.plan.target_side() || room.owner == options_.plan.target_side();
        const std::string what = actor.client.user().text() + " cannot join " + room.id.text() +
                                 " (version " + std::string(room.rules->version) + ", public, of " +
                                 creator.client.user().text() + "), and no link has a fault.";
        if (!concerns_target) {
            report_.say_stuck(what + " " + testing::PrintToString(joined));
        } else {
            report_.add({.check = "joins",
                         .place = "server-server-api/#joining-rooms",
                         .what = what,
                         .evidence = testing::PrintToString(joined)});
        }
        return false;
    }
    return true;
}

// Who is not seen by whom; empty when everybody is seen by all.
std::string Arena::list_absent(const LiveRoom& room) {
    std::string absent;
    for (const Actor& actor : actors_) {
        if (!actor.is_anchor) continue;
        const Response members = call(actor, "GET", path_of(room, "/joined_members"));
        const Json& joined = members.at({"joined"});
        for (const Actor& member : actors_) {
            if (joined.contains(member.client.user().text())) continue;
            absent += member.client.user().text() + " for " + actor.client.user().text() + "; ";
        }
    }
    return absent;
}

// A join that meets another on its way is in nobody's queue for that server: it hears of it with
// the next event that follows both. So everybody speaks until everybody is seen.
std::string Arena::wait_for_all(const LiveRoom& room) {
    const auto end = std::chrono::steady_clock::now() + options_.settle_within;
    std::string absent;
    do {
        for (const Actor& actor : actors_) {
            if (actor.is_anchor) static_cast<void>(say(actor, room, "hello"));
        }
        const bool have_arrived = conformance::eventually(kGreetingsHeardWithin, [&] {
            absent = list_absent(room);
            return absent.empty();
        });
        if (have_arrived) return {};
    } while (std::chrono::steady_clock::now() < end);
    return absent;
}

bool Arena::furnish() {
    for (std::size_t number = 0; number < versions_.size(); ++number) {
        // The target's anchor makes the first room, one of ours the second.
        const int owner = number % 2 == 0 ? options_.plan.target_side()
                                          : static_cast<int>(number / 2) % ours_->count();
        const auto room = make_room(versions_[number], owner);
        if (!room || !bring_in_all(*room)) return false;
        rooms_.push_back(*room);
        const auto seat = witness_->try_join(room->id, kWitnessName);
        const bool is_of_target = owner == options_.plan.target_side();
        if (!seat) {
            report_.add({.check = "joins",
                         .place = "server-server-api/#joining-rooms",
                         .what = "The target does not let a server join " + room->id.text() +
                                 ", which is public and " +
                                 (is_of_target ? "its own." : "in which it is resident."),
                         .evidence = seat.error()});
            return false;
        }
        if (const std::string absent = wait_for_all(*room); !absent.empty()) {
            report_.say_stuck("in " + room->id.text() + ", version " + versions_[number] +
                              ", joins have not come to everybody: " + absent);
            return false;
        }
    }
    report_.count("rooms", rooms_.size());
    return true;
}

}  // namespace matrix::live
