#include "tests/crash/live_load.h"

#include <utility>

namespace matrix::crash {

using conformance::escape;
using conformance::Pdu;
using conformance::string_at;

namespace {

constexpr std::chrono::milliseconds kRetryPause{2};
constexpr std::chrono::milliseconds kPeerPause{4};
constexpr std::chrono::microseconds kPausePoll{200};
constexpr int kPdusMax = 5;

}  // namespace

std::string live_room_path(const std::string& room, const std::string& rest) {
    return "/_matrix/client/v3/rooms/" + escape(room) + rest;
}

LiveLoad::LiveLoad(const KilledServer& server, const conformance::PeerIdentity& identity)
    : target_({.url = server.url(),
               .server_name = server.name(),
               .federation_url = server.federation_url(),
               .ca_file = server.authority_file()},
              log_),
      peer_(identity, target_, log_) {
    put_tokens(server.access_tokens());
    for (const auto& [user, token] : server.access_tokens())
        users_.push_back(user);
    const Response made =
        call(user(0), "POST", "/_matrix/client/v3/createRoom", Json{{"preset", "public_chat"}});
    conformance::expect_step("the shared room", made);
    shared_room_ = string_at(made.body, {"room_id"});
    conformance::expect_step(
        "joining it", call(user(1), "POST", live_room_path(shared_room_, "/join"), Json::object()));
    room_of_peer_ = &peer_.join(RoomId(shared_room_), "eve");
    peer_.on("PUT", "/_matrix/federation/v1/send/", [this](const auto& request) {
        return take_transaction(request);
    });
}

LiveLoad::~LiveLoad() {
    stop();
}

void LiveLoad::start() {
    threads_.emplace_back([this] { send_messages(0); });
    threads_.emplace_back([this] { send_messages(1); });
    threads_.emplace_back([this] { make_things(); });
    threads_.emplace_back([this] { send_transactions(); });
}

void LiveLoad::stop() {
    is_stopping_ = true;
    for (std::thread& thread : std::exchange(threads_, {}))
        thread.join();
}

void LiveLoad::put_tokens(const std::map<std::string, std::string>& tokens) {
    const std::lock_guard lock(mutex_);
    tokens_ = tokens;
}

LiveLedger LiveLoad::copy_ledger() {
    const std::lock_guard lock(mutex_);
    return ledger_;
}

bool LiveLoad::may_go_on() const {
    while (is_paused_ && !is_stopping_)
        std::this_thread::sleep_for(kPausePoll);
    return !is_stopping_;
}

// Noted under the lock, with the time: the log that says how close a kill was.
template <class Note>
void LiveLoad::acknowledge(Note note) {
    last_acknowledgement_ = steady_clock::now().time_since_epoch().count();
    const std::lock_guard lock(mutex_);
    note(ledger_);
    ++acknowledged_;
}

std::string LiveLoad::make_name(const std::string& prefix) {
    return prefix + std::to_string(next_name_++);
}

Response LiveLoad::call(const std::string& user,
                        const std::string& method,
                        const std::string& target,
                        std::optional<Json> body) {
    conformance::HttpRequest request{.method = method, .target = target};
    {
        const std::lock_guard lock(mutex_);
        const auto token = tokens_.find(user);
        request.headers.push_back(
            {"Authorization", "Bearer " + (token == tokens_.end() ? user : token->second)});
    }
    if (body) request.body = body->dump();
    return target_.http().send(request);
}

Response LiveLoad::put_as_peer(const std::string& target, const Json& body) {
    return peer_.put(target, body);
}

std::optional<Response> LiveLoad::ask(const std::string& user,
                                      const std::string& method,
                                      const std::string& target,
                                      const Json& body) {
    while (may_go_on()) {
        Response response = call(user, method, target, body);
        // A process that has just begun has given new tokens, of which we shall hear.
        const bool is_answer =
            response.status != 0 && response.status != 401 && response.status < 500;
        if (is_answer) return response;
        std::this_thread::sleep_for(kRetryPause);
    }
    return std::nullopt;
}

void LiveLoad::send_messages(int number) {
    for (int count = 1; may_go_on(); ++count) {
        if (count % 8 == 0 && number == 0) {
            put_topic(number, count);
            continue;
        }
        const std::string name = make_name("m");
        const std::string target = live_room_path(shared_room_, "/send/m.room.message/" + name);
        const Json content = {{"msgtype", "m.text"}, {"body", name}};
        const auto answer = ask(user(number), "PUT", target, content);
        if (!answer || !answer->is_ok()) continue;
        acknowledge([&](LiveLedger& ledger) {
            ledger.sends.push_back(
                {user(number), target, content, string_at(answer->body, {"event_id"})});
        });
    }
}

void LiveLoad::put_topic(int number, int count) {
    const Json content = {{"topic", "topic " + std::to_string(count)}};
    const auto answer =
        ask(user(number), "PUT", live_room_path(shared_room_, "/state/m.room.topic"), content);
    if (!answer || !answer->is_ok()) return;
    acknowledge([&](LiveLedger& ledger) {
        ledger.events.push_back(
            {user(number), shared_room_, string_at(answer->body, {"event_id"})});
    });
}

void LiveLoad::make_things() {
    while (may_go_on()) {
        create_room(2);
        register_account(2);
        join_room_of_peer();
    }
}

// Asked once: what is lost with the connection may exist or not, but as a whole.
void LiveLoad::create_room(int number) {
    const std::string name = make_name("room");
    const Json wish = {{"preset", "private_chat"},
                       {"name", name},
                       {"room_alias_name", name},
                       {"invite", Json::array({user(0), guest()})}};
    const Response answer = call(user(number), "POST", "/_matrix/client/v3/createRoom", wish);
    if (!answer.is_ok()) return;
    acknowledge([&](LiveLedger& ledger) {
        const std::string alias = "#" + name + ":" + target_.server_name().text();
        ledger.rooms.push_back({string_at(answer.body, {"room_id"}), name, alias});
    });
}

void LiveLoad::register_account(int number) {
    const Json body = {{"username", make_name("new")},
                       {"password", "secret"},
                       {"auth", {{"type", "m.login.dummy"}}}};
    const Response answer = call(user(number), "POST", "/_matrix/client/v3/register", body);
    if (!answer.is_ok()) return;
    acknowledge([&](LiveLedger& ledger) {
        ledger.accounts.push_back(
            {string_at(answer.body, {"user_id"}), string_at(answer.body, {"access_token"})});
    });
}

// make_join and send_join at the peer: the server may die between any two steps.
void LiveLoad::join_room_of_peer() {
    const std::string room = peer_.create_room().id().text();
    const auto answer = ask(user(2),
                            "POST",
                            live_room_path(room, "/join?via=" + escape(peer_.name().view())),
                            Json::object());
    if (!answer || !answer->is_ok()) return;
    acknowledge([&](LiveLedger& ledger) { ledger.peer_rooms.push_back(room); });
}

void LiveLoad::send_transactions() {
    while (may_go_on()) {
        Json pdus = Json::array();
        std::vector<std::string> events;
        const std::size_t count = 1 + next_name_ % kPdusMax;
        while (events.size() < count) {
            const Json content = {{"msgtype", "m.text"}, {"body", make_name("p")}};
            const Pdu pdu =
                peer_.append(*room_of_peer_, peer_.user("eve"), "m.room.message", content);
            pdus.push_back(pdu.json);
            events.push_back(pdu.id().text());
        }
        const std::string target = "/_matrix/federation/v1/send/" + make_name("t");
        const Json body = {{"origin", peer_.name().text()},
                           {"origin_server_ts", pdus.back().at("origin_server_ts")},
                           {"pdus", std::move(pdus)}};
        Response answer;
        while (!answer.is_ok() && may_go_on()) {
            answer = put_as_peer(target, body);
            std::this_thread::sleep_for(kPeerPause);
        }
        if (!answer.is_ok()) return;
        acknowledge([&](LiveLedger& ledger) {
            ledger.transactions.push_back({target, body, answer.text});
            for (const std::string& event : events) {
                const Json& result = answer.at({"pdus", event});
                const bool is_taken = result.is_object() && !result.contains("error");
                if (is_taken) ledger.events.push_back({user(0), shared_room_, event});
            }
        });
    }
}

conformance::OutgoingResponse LiveLoad::take_transaction(
    const conformance::IncomingRequest& request) {
    const Json transaction = request.json();
    Json results = Json::object();
    const std::lock_guard lock(mutex_);
    for (const Json& json : conformance::at_path(transaction, {"pdus"})) {
        conformance::PeerRoom* room = peer_.find_room(RoomId(string_at(json, {"room_id"})));
        if (room == nullptr) continue;  // Of a room into which a guest was invited.
        const Pdu pdu{json, &room->rules()};
        const std::string id = pdu.id().text();
        results[id] = Json::object();
        room->add(pdu);
        if (room != room_of_peer_ || !ledger_.peer_has.insert(id).second) continue;
        ledger_.seen_by_peer.push_back(id);
    }
    return conformance::respond(200, {{"pdus", results}});
}

}  // namespace matrix::crash
