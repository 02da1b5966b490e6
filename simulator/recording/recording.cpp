#include "simulator/recording/recording.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"

namespace matrix::simulator {
namespace {

using Kind = RecordPlace::Kind;

std::string text_in(const json::Object& record, std::string_view key) {
    const json::Value* value = record.find(key);
    const std::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : *text;
}

std::int64_t integer_in(const json::Object& record,
                        std::string_view key,
                        std::int64_t without = 0) {
    const json::Value* value = record.find(key);
    const std::int64_t* number = value == nullptr ? nullptr : value->if_integer();
    return number == nullptr ? without : *number;
}

std::optional<State::Hash> hash_in(const json::Object& record, std::string_view key) {
    const auto bytes = decode_base64(text_in(record, key));
    if (!bytes || bytes->size() != State::Hash().size()) return std::nullopt;
    State::Hash hash;
    std::ranges::copy(*bytes, hash.begin());
    return hash;
}

std::vector<std::string> texts_in(const json::Object& record, std::string_view key) {
    std::vector<std::string> texts;
    const json::Value* value = record.find(key);
    if (value == nullptr || value->if_array() == nullptr) return texts;
    for (const json::Value& entry : *value->if_array())
        texts.push_back(*entry.if_string());
    return texts;
}

// "s3" of "s3.test".
std::string first_label(std::string_view server) {
    return std::string(server.substr(0, server.find('.')));
}

class Reader {
public:
    Recording take() { return std::move(recording_); }

    void read(const json::Object& record) {
        now_us_ = integer_in(record, "at", dispatched_at_us_);
        recording_.end_us = std::max(recording_.end_us, now_us_);
        const std::string kind = text_in(record, "k");
        for (const auto& [name, read_kind] : kReaders) {
            if (name == kind) return (this->*read_kind)(record);
        }
        unreachable();  // The recorder writes no other.
    }

private:
    using ReadRecord = void (Reader::*)(const json::Object&);
    static const std::array<std::pair<std::string_view, ReadRecord>, 18> kReaders;

    void add(Kind kind, Index index) { recording_.order.push_back({kind, index}); }

    void dispatch(const json::Object& record) {
        dispatched_at_us_ = now_us_;
        add(Kind::Dispatch, recording_.dispatches.size());
        recording_.dispatches.push_back({now_us_, server_in(record)});
    }

    void host(const json::Object& record) { recording_.hosts.push_back(text_in(record, "name")); }

    void message(const json::Object& record) {
        const Index index = recording_.messages.size();
        message_by_number_[integer_in(record, "n")] = index;
        RecordedMessage message{.from = static_cast<int>(integer_in(record, "from")),
                                .to = static_cast<int>(integer_in(record, "to")),
                                .sent_us = now_us_,
                                .what = text_in(record, "what"),
                                .edus = texts_in(record, "edus"),
                                .errcode = text_in(record, "errcode"),
                                .bytes = static_cast<std::size_t>(integer_in(record, "bytes"))};
        if (const json::Value* events = record.find("events")) {
            for (const json::Value& event : *events->if_array()) {
                const auto [of, text] = places_[static_cast<std::size_t>(*event.if_integer())];
                message.events.push_back(of);
            }
        }
        recording_.messages.push_back(std::move(message));
        add(Kind::Sent, index);
    }

    void answer(const json::Object& record) {
        RecordedMessage& message =
            recording_.messages[message_by_number_.at(integer_in(record, "n"))];
        const auto request = message_by_number_.find(integer_in(record, "request"));
        if (request != message_by_number_.end()) message.request = request->second;
    }

    void arrival(const json::Object& record) {
        const Index index = message_by_number_.at(integer_in(record, "n"));
        recording_.messages[index].arrived_us = now_us_;
        add(Kind::Arrived, index);
    }

    void loss(const json::Object& record) {
        add(Kind::Lost, recording_.messages.size());
        recording_.messages.push_back({.from = static_cast<int>(integer_in(record, "from")),
                                       .to = static_cast<int>(integer_in(record, "to")),
                                       .sent_us = now_us_,
                                       .was_sent = false,
                                       .what = text_in(record, "what")});
    }

    void event(const json::Object& record) {
        const RoomRules* rules = find_room_rules(text_in(record, "version"));
        MATRIX_ASSERT(rules != nullptr);
        auto parsed = parse_event(text_in(record, "text"), *rules);
        MATRIX_ASSERT(parsed.has_value());
        auto shared = std::make_shared<const Event>(*std::move(parsed));
        const auto [known, is_new] =
            recording_.event_by_id.try_emplace(shared->id, recording_.events.size());
        if (is_new) {
            const std::string origin = first_label(shared->sender.domain());
            recording_.events.push_back(
                {origin + ":" + std::to_string(++made_by_[origin]), shared, {}});
        }
        RecordedEvent& entry = recording_.events[known->second];
        places_.emplace_back(known->second, entry.texts.size());
        entry.texts.push_back(std::move(shared));
    }

    void storing(const json::Object& record) {
        const auto [of, text] = places_[static_cast<std::size_t>(integer_in(record, "e"))];
        add(Kind::Storing, recording_.storings.size());
        recording_.storings.push_back(
            {.at_us = now_us_,
             .server = server_in(record),
             .event = of,
             .text = text,
             .status = static_cast<storage::EventStatus>(integer_in(record, "status")),
             .is_rejected_outlier = record.contains("refused"),
             .rule = text_in(record, "rule"),
             .detail = text_in(record, "detail"),
             .before = hash_in(record, "before"),
             .after = hash_in(record, "after"),
             .redacted_by = text_in(record, "redacted_by")});
    }

    void node(const json::Object& record) {
        recording_.state_nodes.emplace(hash_in(record, "hash").value(),
                                       decode_base64(text_in(record, "bytes")).value());
    }

    void room(const json::Object& record) {
        RecordedRoom room{.at_us = now_us_,
                          .server = server_in(record),
                          .room = RoomId(text_in(record, "room")),
                          .extremities = {},
                          .state = hash_in(record, "state").value()};
        for (const std::string& id : texts_in(record, "extremities")) {
            if (const auto index = recording_.find_event(EventId(id)))
                room.extremities.push_back(*index);
        }
        add(Kind::Room, recording_.rooms.size());
        recording_.rooms.push_back(std::move(room));
    }

    void note(const json::Object& record) {
        add(Kind::Note, recording_.notes.size());
        recording_.notes.push_back({now_us_, text_in(record, "kind"), text_in(record, "detail")});
    }

    void client_request(const json::Object& record) {
        client_by_number_[integer_in(record, "n")] = recording_.clients.size();
        add(Kind::ClientRequest, recording_.clients.size());
        recording_.clients.push_back({.at_us = now_us_,
                                      .answered_us = {},
                                      .server = server_in(record),
                                      .user = text_in(record, "user"),
                                      .what = text_in(record, "what"),
                                      .error = {},
                                      .event_id = {}});
    }

    void client_answer(const json::Object& record) {
        const Index index = client_by_number_.at(integer_in(record, "n"));
        RecordedClient& client = recording_.clients[index];
        client.answered_us = now_us_;
        client.status = static_cast<int>(integer_in(record, "status"));
        client.error = text_in(record, "errcode");
        if (const std::string error = text_in(record, "error"); !error.empty())
            client.error += ": " + error;
        client.event_id = text_in(record, "event_id");
        add(Kind::ClientAnswer, index);
    }

    void log(const json::Object& record) {
        add(Kind::Log, recording_.logs.size());
        recording_.logs.push_back({now_us_,
                                   server_in(record),
                                   text_in(record, "name"),
                                   *record.find("fields")->if_object()});
    }

    void finding(const json::Object& record) {
        add(Kind::Finding, recording_.findings.size());
        recording_.findings.push_back(
            {now_us_, text_in(record, "checker"), text_in(record, "what")});
    }

    void kept(const json::Object& record) {
        const auto event = recording_.find_event(EventId(text_in(record, "id")));
        if (!event) return;
        add(Kind::Kept, recording_.kept.size());
        recording_.kept.push_back({now_us_, server_in(record), *event, text_in(record, "what")});
    }

    void cut(const json::Object&) { recording_.is_cut = true; }

    void scenario_room(const json::Object& record) {
        recording_.scenario_rooms.push_back(
            {text_in(record, "name"), RoomId(text_in(record, "id")), text_in(record, "version")});
    }

    static int server_in(const json::Object& record) {
        return static_cast<int>(integer_in(record, "s"));
    }

    Recording recording_;
    std::int64_t now_us_ = 0;
    std::int64_t dispatched_at_us_ = 0;
    std::map<std::int64_t, Index> message_by_number_;
    std::map<std::int64_t, Index> client_by_number_;
    std::map<std::string, int> made_by_;
    std::vector<std::pair<Index, Index>> places_;  ///< Of texts: the event, and which of its texts.
};

const std::array<std::pair<std::string_view, Reader::ReadRecord>, 18> Reader::kReaders = {{
    {"d", &Reader::dispatch},
    {"h", &Reader::host},
    {"m", &Reader::message},
    {"a", &Reader::answer},
    {"v", &Reader::arrival},
    {"l", &Reader::loss},
    {"e", &Reader::event},
    {"s", &Reader::storing},
    {"n", &Reader::node},
    {"x", &Reader::room},
    {"note", &Reader::note},
    {"c", &Reader::client_request},
    {"ca", &Reader::client_answer},
    {"log", &Reader::log},
    {"f", &Reader::finding},
    {"room", &Reader::scenario_room},
    {"kept", &Reader::kept},
    {"cut", &Reader::cut},
}};

constexpr std::size_t kReadBytes = 1 << 20;

/// Calls `take` with each line that ends.
void for_each_line(std::FILE* file, const std::function<void(std::string_view)>& take) {
    std::string pending;
    std::string block(kReadBytes, '\0');
    while (const std::size_t count = std::fread(block.data(), 1, block.size(), file)) {
        pending.append(block, 0, count);
        std::size_t begin = 0;
        for (std::size_t end = pending.find('\n'); end != std::string::npos;
             end = pending.find('\n', begin)) {
            take(std::string_view(pending).substr(begin, end - begin));
            begin = end + 1;
        }
        pending.erase(0, begin);
    }
}

}  // namespace

std::string RecordedLog::text() const {
    std::string text;
    for (const json::Member& field : fields) {
        const std::string* words = field.value.if_string();
        text +=
            (text.empty() ? "" : " ") + field.key + "=" +
            (words != nullptr && words->find(' ') == std::string::npos ? *words
                                                                       : json::write(field.value));
    }
    return text;
}

std::optional<Index> Recording::find_event(const EventId& id) const {
    const auto place = event_by_id.find(id);
    return place == event_by_id.end() ? std::nullopt : std::optional(place->second);
}

std::optional<State> Recording::find_state(const State::Hash& root) const {
    if (root == State().root()) return State();
    return State::load(root, [this](const State::Hash& hash) -> std::optional<std::string> {
        const auto node = state_nodes.find(hash);
        return node == state_nodes.end() ? std::nullopt : std::optional(node->second);
    });
}

std::string Recording::host_name(int number) const {
    if (number < 0 || static_cast<std::size_t>(number) >= hosts.size()) return "world";
    return first_label(hosts[static_cast<std::size_t>(number)]);
}

std::string Recording::room_name(const RoomId& id) const {
    const auto place = std::ranges::find(scenario_rooms, id, &ScenarioRoom::id);
    return place == scenario_rooms.end() ? id.text() : place->name;
}

std::string Recording::event_name(const EventId& id) const {
    const auto index = find_event(id);
    return index ? events[*index].name : id.text();
}

Recording read_recording(std::FILE* file) {
    std::rewind(file);
    Reader reader;
    for_each_line(file, [&](std::string_view line) {
        const auto record = json::parse(line, json::Numbers::Canonical, {.bytes_max = line.size()});
        MATRIX_ASSERT(record.has_value() && record->is_object());
        reader.read(*record->if_object());
    });
    return reader.take();
}

}  // namespace matrix::simulator
