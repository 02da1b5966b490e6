#include "simulator/recording/recorder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"

namespace matrix::simulator {
namespace {

std::int64_t integer(std::uint64_t number) {
    return static_cast<std::int64_t>(number);
}

// "PUT /_matrix/...", without what follows the target.
std::string_view without_authorization(std::string_view what) {
    const std::size_t method_end = what.find(' ');
    if (method_end == std::string_view::npos) return what;
    return what.substr(0, what.find(' ', method_end + 1));
}

constexpr std::size_t kTextBytesMax = 2000;

/// Text of a stranger, as what JSON can hold.
std::string printable(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string written;
    for (const char c : text.substr(0, kTextBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            written += c;
        } else {
            written += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return written;
}

json::Value encode(const std::optional<State::Hash>& hash) {
    return hash ? json::Value(encode_base64(view(*hash))) : json::Value();
}

// Where bodies between servers have events.
constexpr std::array<std::string_view, 6> kEventArrays = {
    "pdus", "state", "auth_chain", "state_events", "events", "auth_events"};

}  // namespace

// --- What happens --------------------------------------------------------------------------------

void Recorder::write(json::Object record) {
    const std::int64_t now_us = now_us_ ? now_us_() : dispatched_at_us_;
    if (now_us != dispatched_at_us_) record.set("at", now_us);
    if (bytes_ > kBytesMax) return;
    std::string line = json::write(record) + '\n';
    bytes_ += line.size();
    if (bytes_ > kBytesMax) line = "{\"k\":\"cut\"}\n";
    // One write each: the process may end by an assertion before the next.
    std::fwrite(line.data(), 1, line.size(), out_);
    std::fflush(out_);
}

void Recorder::dispatch(std::int64_t time_us, int server) {
    dispatched_at_us_ = time_us;
    write({{"k", "d"}, {"at", time_us}, {"s", server}});
}

void Recorder::host(int number, std::string_view name) {
    write({{"k", "h"}, {"s", number}, {"name", name}});
}

void Recorder::message(
    std::uint64_t number, int from, int to, std::string_view what, std::string_view body) {
    json::Object record{{"k", "m"},
                        {"n", integer(number)},
                        {"from", from},
                        {"to", to},
                        {"what", printable(without_authorization(what))},
                        {"bytes", integer(body.size())}};
    if (const auto parsed = json::parse(body, json::Numbers::Any)) {
        json::Array events = list_events(what, *parsed);
        if (!events.empty()) record.set("events", std::move(events));
        if (const json::Array* edus = parsed->find_array("edus")) {
            json::Array types;
            for (const json::Value& edu : *edus) {
                const std::string* type = edu.find_string("edu_type");
                types.emplace_back(type == nullptr ? std::string_view("?") : *type);
            }
            if (!types.empty()) record.set("edus", std::move(types));
        }
        if (const std::string* errcode = parsed->find_string("errcode")) {
            record.set("errcode", *errcode);
        }
    }
    write(std::move(record));
}

void Recorder::answers(std::uint64_t answer, std::uint64_t request) {
    write({{"k", "a"}, {"n", integer(answer)}, {"request", integer(request)}});
}

void Recorder::arrived(std::uint64_t number) {
    write({{"k", "v"}, {"n", integer(number)}});
}

void Recorder::lost(int from, int to, std::string_view what) {
    write(
        {{"k", "l"}, {"from", from}, {"to", to}, {"what", printable(without_authorization(what))}});
}

void Recorder::note(std::string_view kind, std::string_view detail) {
    write({{"k", "note"}, {"kind", printable(kind)}, {"detail", printable(detail)}});
}

void Recorder::finding(std::string_view checker, std::string_view what) {
    write({{"k", "f"}, {"checker", checker}, {"what", printable(what)}});
}

void Recorder::room(std::string_view name, const RoomId& id, std::string_view version) {
    write({{"k", "room"}, {"name", name}, {"id", id.text()}, {"version", version}});
}

void Recorder::client_request(std::uint64_t number,
                              int server,
                              const UserId& user,
                              std::string_view what) {
    write(
        {{"k", "c"}, {"n", integer(number)}, {"s", server}, {"user", user.text()}, {"what", what}});
}

void Recorder::client_answer(std::uint64_t number, int status, const json::Value& body) {
    json::Object record{{"k", "ca"}, {"n", integer(number)}, {"status", status}};
    for (const std::string_view key : {"errcode", "error", "event_id"}) {
        if (const std::string* text = body.find_string(key)) record.set(key, *text);
    }
    write(std::move(record));
}

void Recorder::log(int server, const runtime::LogLine& line) {
    json::Object fields;
    for (const runtime::LogField& field : line.fields) {
        fields.set(field.key,
                   field.number ? json::Value(*field.number) : json::Value(printable(field.text)));
    }
    write({{"k", "log"}, {"s", server}, {"name", line.kind.name}, {"fields", std::move(fields)}});
}

// --- Events --------------------------------------------------------------------------------------

std::int64_t Recorder::number_of(const Event& event) {
    const auto next = static_cast<std::int64_t>(events_.size());
    const auto [place, is_new] = events_.try_emplace({event.id, event.text}, next);
    if (is_new) {
        rules_.emplace(event.room_id, event.rules);
        write({{"k", "e"}, {"i", next}, {"version", event.rules->version}, {"text", event.text}});
    }
    return place->second;
}

void Recorder::add_event(const json::Value& pdu, json::Array& ids) {
    const json::Object* object = pdu.if_object();
    const std::string* room = pdu.find_string("room_id");
    if (object == nullptr || room == nullptr) return;
    const auto rules = rules_.find(RoomId(*room));
    if (rules == rules_.end()) return;  // Of a room that no server has an event of.
    const auto event = parse_event(*object, *rules->second);
    if (!event) return;
    ids.emplace_back(number_of(*event));
}

json::Array Recorder::list_events(std::string_view what, const json::Value& body) {
    json::Array ids;
    for (const std::string_view key : kEventArrays) {
        const json::Array* events = body.find_array(key);
        if (events == nullptr) continue;
        for (const json::Value& event : *events)
            add_event(event, ids);
    }
    if (const json::Value* event = body.find("event")) add_event(*event, ids);
    const bool is_event = what.starts_with("PUT ") && body.find("prev_events") != nullptr;
    if (is_event) add_event(body, ids);
    return ids;
}

const storage::Watch* Recorder::watch_of(int server) {
    auto& watch = watches_[server];
    if (watch) return watch.get();
    watch = std::make_unique<storage::Watch>(storage::Watch{
        .event = [this, server](const storage::StoredEvent& stored) { add_stored(server, stored); },
        .state_node = [this](const State::StoredNode& node) { add_node(node); },
        .room =
            [this, server](const RoomId& room,
                           const std::vector<EventId>& extremities,
                           const State::Hash& current_state) {
                add_room_change(server, room, extremities, current_state);
            }});
    return watch.get();
}

namespace {

constexpr std::size_t kShownBefore = 12;  // Of the bytes in which two texts part.
constexpr std::size_t kShownBytes = 60;

std::string part_around(const std::string& text, std::size_t place) {
    const std::size_t begin = place < kShownBefore ? 0 : place - kShownBefore;
    return text.substr(std::min(begin, text.size()), kShownBytes);
}

std::string_view status_name(std::int64_t status) {
    constexpr std::array<std::string_view, 4> kNames = {
        "accepted", "soft-failed", "rejected", "outlier"};
    return status < 0 || status >= 4 ? "unknown" : kNames[static_cast<std::size_t>(status)];
}

bool is_same(const std::optional<std::string>& bytes, const std::optional<State::Hash>& hash) {
    return bytes ? hash && *bytes == view(*hash) : !hash;
}

}  // namespace

void Recorder::kept(int server, const storage::Audit::Event& row) {
    const auto place = stored_.find({server, row.event_id});
    if (place == stored_.end()) return;  // Of the beginning: it stored nothing that was watched.
    const Stored& stored = place->second;
    std::string what;
    if (row.text != stored.text) {
        const auto at = static_cast<std::size_t>(std::ranges::mismatch(row.text, stored.text).in1 -
                                                 row.text.begin());
        what += " text ..." + part_around(row.text, at) + "..., stored as ..." +
                part_around(stored.text, at) + "...;";
    }
    if (row.status != static_cast<std::int64_t>(stored.status)) {
        what += " status " + std::string(status_name(row.status)) + ", stored as " +
                std::string(status_name(static_cast<std::int64_t>(stored.status))) + ";";
    }
    if (!is_same(row.state_before, stored.before)) what += " another state before it;";
    if (!is_same(row.state_after, stored.after)) what += " another state after it;";
    if (what.empty()) return;
    write(
        {{"k", "kept"}, {"s", server}, {"id", printable(row.event_id)}, {"what", printable(what)}});
}

void Recorder::add_stored(int server, const storage::StoredEvent& stored) {
    stored_[{server, stored.event->id.text()}] = {
        stored.event->text, stored.status, stored.state_before, stored.state_after};
    json::Object record{{"k", "s"},
                        {"s", server},
                        {"e", number_of(*stored.event)},
                        {"status", static_cast<int>(stored.status)}};
    if (stored.is_rejected_outlier) record.set("refused", true);
    if (!stored.rule.empty()) record.set("rule", stored.rule);
    if (!stored.detail.empty()) record.set("detail", stored.detail);
    if (stored.state_before) record.set("before", encode(stored.state_before));
    if (stored.state_after) record.set("after", encode(stored.state_after));
    if (stored.redacted_by) record.set("redacted_by", stored.redacted_by->text());
    write(std::move(record));
}

void Recorder::add_node(const State::StoredNode& node) {
    if (!nodes_.insert(node.hash).second) return;
    write({{"k", "n"}, {"hash", encode(node.hash)}, {"bytes", encode_base64(node.bytes)}});
}

void Recorder::add_room_change(int server,
                               const RoomId& room,
                               const std::vector<EventId>& extremities,
                               const State::Hash& current_state) {
    json::Array ids;
    for (const EventId& id : extremities)
        ids.emplace_back(id.text());
    write({{"k", "x"},
           {"s", server},
           {"room", room.text()},
           {"extremities", std::move(ids)},
           {"state", encode(current_state)}});
}

}  // namespace matrix::simulator
