#include "refserver/engine/ephemeral/receipts.h"

#include <map>

#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/outbox.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: the newest so many of a room in one sync; a room of 30,000 members has as many, and
/// nobody shows the old ones.
constexpr std::size_t kReceiptsPerSyncMax = 1000;
/// Spec: "a maximum of 3 hops is recommended".
constexpr int kRelationHopsMax = 3;

struct Relation {
    std::string type;
    EventId event;
};

std::optional<Relation> find_relation(const Event& event) {
    const json::Object content = event.parse_content();
    const json::Value* relates = content.find("m.relates_to");
    if (!relates || !relates->if_object()) return std::nullopt;
    const std::string* type = relates->find_string("rel_type");
    const std::string* id = relates->find_string("event_id");
    if (!type || !id) return std::nullopt;
    const auto parsed = parse_event_id(*id);
    if (!parsed) return std::nullopt;
    return Relation{*type, *parsed};
}

}  // namespace

// UNSPECIFIED: a root, and what relates to it otherwise, may be read in its thread as well as in
// the main timeline, because clients that show a thread show them there.
bool is_in_thread(const Room& room, const StoredEvent& event, std::string_view thread) {
    const StoredEvent* at = &event;
    StoredEventPtr held;
    for (int hop = 0; hop <= kRelationHopsMax && at; ++hop) {
        if (at->event->id.view() == thread) return true;
        const auto relation = find_relation(*at->event);
        if (!relation) break;
        if (relation->type == "m.thread") return relation->event.view() == thread;
        held = room.find_event(relation->event);
        at = held.get();
    }
    return thread == kMainThread;
}

// UNSPECIFIED: an event that is not known here is news; it may come later.
bool Receipts::is_news(const Room& room, const ReceiptRow& receipt) const {
    const auto known = store_.find_event(receipt.room, receipt.type, receipt.user, receipt.thread);
    if (!known) return true;
    if (*known == receipt.event) return false;
    const auto before = room.find_event(*known);
    const auto now = room.find_event(receipt.event);
    return !before || !now || now->position > before->position;
}

void Receipts::put(const Room& room, ReceiptRow receipt) {
    if (!is_news(room, receipt)) {
        SIM_SOMETIMES("a receipt tells nothing new");
        return;
    }
    receipt.position = services_.turns.next_position();
    store_.put(receipt);
    if (receipt.type == storage::kPrivateReadReceipt) {
        services_.notifier.user_changed(receipt.user, receipt.position);
        return;
    }
    services_.notifier.room_changed(room.id(), receipt.position);
    if (receipt.user.server() == services_.server_name) tell_others(room, receipt);
}

// They are kept: who has read what is true also for a server that was away.
void Receipts::tell_others(const Room& room, const ReceiptRow& receipt) {
    // Spec: "Read receipts for events that a user sent do not need to be sent."
    const auto event = room.find_event(receipt.event);
    if (event && event->event->sender == receipt.user) {
        SIM_SOMETIMES("a receipt is of the reader's own event");
        return;
    }
    json::Object data{{"ts", receipt.ts}};
    if (!receipt.thread.empty()) data.set("thread_id", receipt.thread);
    json::Object of_user{{"event_ids", json::Array{receipt.event.text()}},
                         {"data", std::move(data)}};
    json::Object users{{receipt.user.text(), std::move(of_user)}};
    json::Object types{{receipt.type, std::move(users)}};
    services_.outbox.send_edu(
        {.type = "m.receipt",
         .content = json::Object{{room.id().text(), std::move(types)}},
         .keeping = EduKeeping::UntilDelivered,
         .replaces_key = room.id().text() + ' ' + receipt.user.text() + ' ' + receipt.thread},
        room.servers());
}

namespace {

json::Object& object_in(json::Object& parent, std::string_view key) {
    json::Value& value = parent[key];
    if (!value.if_object()) value = json::Object{};
    return *value.if_object();
}

}  // namespace

std::vector<json::Object> Receipts::list_events(const RoomId& room,
                                                const UserId& reader,
                                                StreamPosition after,
                                                StreamPosition up_to) const {
    std::map<std::string, json::Object> contents;  // By thread.
    for (const ReceiptRow& receipt : store_.list(room, reader, after, up_to, kReceiptsPerSyncMax)) {
        json::Object data{{"ts", receipt.ts}};
        if (!receipt.thread.empty()) data.set("thread_id", receipt.thread);
        json::Object& of_event = object_in(contents[receipt.thread], receipt.event.view());
        object_in(of_event, receipt.type).set(receipt.user.view(), std::move(data));
    }
    std::vector<json::Object> events;
    for (auto& [thread, content] : contents) {
        events.push_back({{"type", "m.receipt"}, {"content", std::move(content)}});
    }
    return events;
}

}  // namespace matrix::engine
