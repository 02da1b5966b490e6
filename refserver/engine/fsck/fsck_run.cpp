#include "refserver/engine/fsck/fsck_run.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "refserver/protocol/base64.h"

namespace matrix::engine {

std::ostream& operator<<(std::ostream& out, const Breach& breach) {
    out << breach.name << ':';
    if (!breach.room_id.empty()) out << " room " << breach.room_id;
    if (!breach.event_id.empty()) out << " event " << breach.event_id;
    return out << " expected: " << breach.expected << "; found: " << breach.found;
}

FsckCounts check_database(storage::Database& database, const FsckOptions& options) {
    return fsck::Run(database, options).run();
}

}  // namespace matrix::engine

namespace matrix::engine::fsck {

std::string root_text(const State& state) {
    return std::string(view(state.root()));
}

std::string describe_root(const std::optional<std::string>& root) {
    return root ? "state " + encode_base64(*root) : "none";
}

Run::Run(storage::Database& database, const FsckOptions& options)
    : database_(database), audit_(database), options_(options) {}

FsckCounts Run::run() {
    for (const std::string& problem : audit_.check_file())
        report("file_damaged", "", "", "a database file that SQLite finds whole", problem);
    read_own_keys();
    read_rooms();
    check_rows();
    check_nodes();
    check_events();
    check_tips();
    check_rooms();
    check_files();
    return counts_;
}

void Run::report(std::string_view name,
                 std::string_view room_id,
                 std::string_view event_id,
                 std::string expected,
                 std::string found) {
    ++counts_.breaches;
    options_.on_breach({.name = name,
                        .room_id = std::string(room_id),
                        .event_id = std::string(event_id),
                        .expected = std::move(expected),
                        .found = std::move(found)});
}

void Run::read_own_keys() {
    database_.query("SELECT key_id, seed FROM signing_keys", {}, [&](const storage::Row& row) {
        const KeyId key_id(row.text(0));
        const auto signer = options_.make_signer(key_id, row.view(1));
        own_keys_[key_id] = {signer->public_key(), INT64_MAX, false};
        return true;
    });
}

// By the room's id, where that names it: then no damage to the state hides it.
std::optional<EventId> Run::find_create(const KnownRoom& room) {
    if (room.rules && room.rules->event_format == EventFormat::HashedRoomId) {
        return EventId("$" +
                       room.id.text().substr(std::min<std::size_t>(1, room.id.text().size())));
    }
    const auto current = load_state(room.current_state);
    const EventId* create = current ? current->find("m.room.create", "") : nullptr;
    return create ? std::optional(*create) : std::nullopt;
}

void Run::read_rooms() {
    for (Audit::Room& row : audit_.list_rooms()) {
        KnownRoom room{.id = RoomId(row.room_id),
                       .rules = find_room_rules(row.version),
                       .current_state = row.current_state.value_or(""),
                       .create = nullptr};
        if (!room.rules) {
            report("room_version", row.room_id, "", "a version that we know", row.version);
        }
        rooms_.emplace(row.number, std::move(room));
    }
    std::map<std::string, std::int64_t> entries;
    for (Audit::Entry& entry : audit_.list_entries())
        entries[std::move(entry.room_id)] = entry.position;
    for (auto& [number, room] : rooms_) {
        const auto entry = entries.find(room.id.text());
        if (entry != entries.end()) room.last_entry = entry->second;
        const auto create = find_create(room);
        const auto known = create ? find_known(create->view()) : std::nullopt;
        if (known) room.create = known->event;
    }
}

void Run::check_rows() {
    audit_.check_rows(options_.server_name.view(), [&](const Audit::Finding& finding) {
        report(finding.name,
               finding.room_id,
               finding.event_id,
               std::string(finding.expected),
               finding.found);
    });
}

void Run::check_files() {
    for (const Audit::File& file : audit_.list_files()) {
        ++counts_.files;
        const std::string bytes = audit_.load_file(file.hash);
        const bool is_whole =
            std::cmp_equal(bytes.size(), file.bytes) && view(sha256(bytes)) == file.hash;
        if (is_whole) continue;
        report(
            "media_damaged",
            "",
            "",
            "the " + std::to_string(file.bytes) + " bytes of " + file.media_id + ", of hash " +
                encode_base64(file.hash),
            std::to_string(bytes.size()) + " bytes of hash " + encode_base64(view(sha256(bytes))));
    }
}

const KnownRoom* Run::find_room(std::int64_t number) const {
    const auto room = rooms_.find(number);
    return room == rooms_.end() ? nullptr : &room->second;
}

std::optional<Known> Run::parse_known(const Audit::Event& row) const {
    const KnownRoom* room = find_room(row.room);
    const bool has_status = row.status >= 0 && row.status <= static_cast<int>(EventStatus::Outlier);
    if (!room || !room->rules || !has_status) return std::nullopt;
    auto event = parse_event(row.text, *room->rules);
    if (!event) return std::nullopt;
    return Known{.event = std::make_shared<const Event>(*std::move(event)),
                 .number = row.number,
                 .room = row.room,
                 .status = static_cast<EventStatus>(row.status),
                 .is_rejected_outlier = row.is_rejected_outlier,
                 .is_redacted = row.redacted_by.has_value(),
                 .position = row.position,
                 .state_after = row.state_after.value_or("")};
}

std::optional<Known> Run::find_known(std::string_view event_id) {
    if (const std::optional<Known>* known = events_.find(event_id)) return *known;
    const auto row = audit_.find_event(event_id);
    std::optional<Known> known = row ? parse_known(*row) : std::nullopt;
    events_.put(event_id, known);
    return known;
}

CheckContext Run::checks_of(const KnownRoom& room) {
    return {room.create,
            [this](const EventId& id) {
                const auto known = find_known(id.view());
                return known ? auth::CitedEvent{known->event, known->is_rejected()}
                             : auth::CitedEvent{};
            },
            *options_.verifier};
}

const std::map<KeyId, ServerKey>& Run::keys_of(const ServerName& server) {
    if (server == options_.server_name) return own_keys_;
    if (const auto* known = keys_.find(server.view())) return *known;
    std::map<KeyId, ServerKey> keys;
    database_.query(
        "SELECT key_id, public_key, valid_until_ts, is_old FROM server_keys"
        " WHERE server = ?1",
        {server.view()},
        [&](const storage::Row& row) {
            keys[KeyId(row.text(0))] = {row.text(1), row.integer(2), row.integer(3) != 0};
            return true;
        });
    keys_.put(server.view(), std::move(keys));
    return *keys_.find(server.view());
}

std::optional<State> Run::load_state(const std::string& root) {
    State::Hash hash{};
    if (root.empty() || root == view(hash)) return State();
    if (const State* known = states_.find(root)) return *known;
    if (root.size() != hash.size()) return std::nullopt;
    std::ranges::copy(root, hash.begin());
    auto state =
        State::load(hash, [&](const State::Hash& node) { return audit_.find_node(view(node)); });
    if (state) states_.put(root, *state);
    return state;
}

void Run::keep_state(const State& state) {
    if (!state.empty()) states_.put(root_text(state), state);
}

State Run::resolve(std::int64_t room, const std::vector<State>& states) {
    std::map<State::Hash, State> distinct;
    for (const State& state : states)
        distinct.try_emplace(state.root(), state);
    if (distinct.empty()) return State();
    if (distinct.size() == 1) return distinct.begin()->second;
    std::vector<State> ordered;
    for (const auto& [root, state] : distinct)
        ordered.push_back(state);
    ++counts_.resolutions;
    const std::string key = std::to_string(room);
    if (!resolvers_.find(key)) {
        const KnownRoom& known = rooms_.at(room);
        resolvers_.put(key,
                       std::make_shared<Resolver>(
                           *known.rules, checks_of(known).find_event, *options_.verifier));
    }
    return (*resolvers_.find(key))->resolve(ordered);
}

}  // namespace matrix::engine::fsck
