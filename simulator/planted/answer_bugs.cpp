// Planted bugs in what a server tells its clients.

#include <array>

#include "refserver/protocol/room_rules.h"
#include "refserver/storage/audit.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

bool is_get(const HttpRequest& request, std::string_view end) {
    const std::string_view target = request.target;
    return request.method == "GET" && target.substr(0, target.find('?')).ends_with(end);
}

/// The newest topic that it rejected is among what it tells of a state.
class ServeTheRejected final : public Saboteur {
public:
    void watch(World& world) override {
        if (world.cluster().server_count() <= kBuggyServer) return;
        storage::Audit audit(world.cluster().server(kBuggyServer).engine().turns().database());
        for (const auto& row : audit.list_events(last_, kSliceRows)) {
            last_ = row.number;
            if (row.status != static_cast<int>(storage::EventStatus::Rejected)) continue;
            rejected_ = json::Object{{"type", "m.room.topic"},
                                     {"state_key", ""},
                                     {"event_id", row.event_id},
                                     {"content", json::Object{{"topic", "rejected"}}}};
        }
    }
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_get(request, "/state") && rejected_;
    }
    void alter(HttpResponse& response) override {
        auto body = json::parse(response.body);
        if (!body || body->if_array() == nullptr) return;
        body->if_array()->emplace_back(*rejected_);
        response.body = json::write(*body);
    }

private:
    static constexpr std::int64_t kSliceRows = 1000;
    std::int64_t last_ = 0;
    std::optional<json::Object> rejected_;
};

/// Clients that follow are not told of topics.
class SyncWithoutTopics final : public Saboteur {
public:
    bool is_altered(int, const HttpRequest& request) override {
        return request.target.find("/v3/sync?") != std::string::npos &&
               request.target.find("&since=") != std::string::npos;
    }
    void alter(HttpResponse& response) override {
        auto body = json::parse(response.body);
        json::Value* rooms = body && body->if_object() ? body->if_object()->find("rooms") : nullptr;
        json::Value* joined =
            rooms && rooms->if_object() ? rooms->if_object()->find("join") : nullptr;
        if (joined == nullptr || joined->if_object() == nullptr) return;
        json::Object told;
        for (const json::Member& room : *joined->if_object())
            told.set(room.key, without_topics(room.value));
        *joined = std::move(told);
        response.body = json::write(*body);
    }

private:
    static json::Value without_topics(json::Value room) {
        for (const char* part : {"state", "state_after", "timeline"}) {
            json::Value* found = room.if_object() ? room.if_object()->find(part) : nullptr;
            json::Value* events =
                found && found->if_object() ? found->if_object()->find("events") : nullptr;
            if (events == nullptr || events->if_array() == nullptr) continue;
            std::erase_if(*events->if_array(), [](const json::Value& event) {
                const std::string* type = event.find_string("type");
                return type != nullptr && *type == "m.room.topic";
            });
        }
        return room;
    }
};

/// Whoever asks for its members gets all but one.
class HideAMember final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_get(request, "/members");
    }
    void alter(HttpResponse& response) override {
        auto body = json::parse(response.body);
        json::Value* chunk = body && body->if_object() ? body->if_object()->find("chunk") : nullptr;
        if (chunk == nullptr || chunk->if_array() == nullptr || chunk->if_array()->empty()) return;
        chunk->if_array()->pop_back();
        response.body = json::write(*body);
    }
};

template <class Kind>
std::unique_ptr<Saboteur> make_liar() {
    return std::make_unique<Kind>();
}

constexpr std::array kAnswerBugs = {
    PlantedBug{"serves-the-rejected",
               "s1.test tells clients of a state with an event that it rejected.",
               "served_state",
               make_liar<ServeTheRejected>},
    PlantedBug{"syncs-without-topics",
               "No server tells clients that follow of a topic.",
               "sync_fold",
               make_liar<SyncWithoutTopics>},
    PlantedBug{"hides-a-member",
               "s1.test leaves out one member when it is asked for all.",
               "visibility",
               make_liar<HideAMember>},
};

}  // namespace

std::span<const PlantedBug> answer_bugs() {
    return kAnswerBugs;
}

}  // namespace matrix::simulator
