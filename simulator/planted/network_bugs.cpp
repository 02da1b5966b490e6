// Planted bugs in what a server answers.

#include <algorithm>
#include <array>
#include <ctime>

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"
#include "simulator/planted/planted_bug.h"

namespace matrix::simulator {
namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

HttpResponse fail() {
    return {500, {{"Content-Type", "application/json"}}, R"({"errcode":"M_UNKNOWN","error":""})"};
}

bool is_to(const HttpRequest& request, std::string_view method, std::string_view part) {
    return request.method == method && request.target.find(part) != std::string::npos;
}

/// Events of a transaction between servers; none in any other request.
json::Array pdus_of(const HttpRequest& request) {
    if (!is_to(request, "PUT", "/federation/v1/send/")) return {};
    const auto body = json::parse(request.body);
    const json::Array* pdus = body ? body->find_array("pdus") : nullptr;
    return pdus == nullptr ? json::Array() : *pdus;
}

bool is_of_type(const json::Value& pdu, std::string_view type) {
    const std::string* found = pdu.find_string("type");
    return found != nullptr && *found == type;
}

bool is_membership(const json::Value& pdu, std::string_view membership) {
    const json::Value* content = pdu.find("content");
    const std::string* found = content == nullptr ? nullptr : content->find_string("membership");
    return is_of_type(pdu, "m.room.member") && found != nullptr && *found == membership;
}

// Its sender tries again, for ever.
class JammedByTopics final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        if (server != kBuggyServer) return std::nullopt;
        const json::Array pdus = pdus_of(request);
        const bool has_topic = std::ranges::any_of(
            pdus, [](const json::Value& pdu) { return is_of_type(pdu, "m.room.topic"); });
        if (!has_topic) return std::nullopt;
        return fail();
    }
};

// It never thought that somebody could be banned in company.
class CrashOnCompany final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        if (server != kBuggyServer) return std::nullopt;
        const json::Array pdus = pdus_of(request);
        for (const json::Value& pdu : pdus)
            MATRIX_ASSERT(pdus.size() == 1 || !is_membership(pdu, "ban"));
        return std::nullopt;
    }
};

// It reads a clock that no simulation knows of.
class LookAtTheClock final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        if (server == kBuggyServer && !pdus_of(request).empty()) last_seen_ = std::time(nullptr);
        return std::nullopt;
    }

private:
    std::time_t last_seen_ = 0;
};

// After it was asked to ban somebody, a server cannot read power levels.
class UnreadableLevels final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        if (server != kBuggyServer) return std::nullopt;
        if (is_to(request, "POST", "/ban")) has_banned_ = true;
        if (has_banned_ && is_to(request, "GET", "/state/m.room.power_levels")) return fail();
        return std::nullopt;
    }

private:
    bool has_banned_ = false;
};

// It says that it has sent each fifth message, and has not.
class LoseTheAcknowledged final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        if (server != kBuggyServer || !is_to(request, "PUT", "/send/m.room.message/"))
            return std::nullopt;
        if (++messages_ % kOneIn != 0) return std::nullopt;
        const json::Value answer = json::Object{{"event_id", "$lost" + std::to_string(messages_)}};
        return HttpResponse{200, {{"Content-Type", "application/json"}}, json::write(answer)};
    }

private:
    static constexpr std::uint64_t kOneIn = 5;
    std::uint64_t messages_ = 0;
};

// Members that are missing in what a server tells those who join through it.
class ForgetfulJoinAnswer final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == 0 && is_to(request, "PUT", "/send_join/");
    }
    void alter(HttpResponse& response) override {
        auto body = json::parse(response.body);
        if (!body || !body->is_object()) return;
        json::Value* state = body->if_object()->find("state");
        if (state == nullptr || state->if_array() == nullptr) return;
        json::Array kept;
        std::size_t members = 0;
        for (const json::Value& event : *state->if_array()) {
            // The creator and the first who joined stay.
            const bool is_lost = is_of_type(event, "m.room.member") && ++members > kMembersTold;
            if (!is_lost) kept.push_back(event);
        }
        *state = std::move(kept);
        response.body = json::write(*body);
    }

private:
    static constexpr std::size_t kMembersTold = 2;
};

template <class Kind>
std::unique_ptr<Saboteur> make() {
    return std::make_unique<Kind>();
}

constexpr std::array kNetworkBugs = {
    PlantedBug{"jammed-by-topics",
               "s1.test fails each transaction that has a topic in it.",
               "stuck",
               make<JammedByTopics>},
    PlantedBug{"crash-on-company",
               "s1.test ends by an assertion when a ban comes together with other events.",
               "crash",
               make<CrashOnCompany>},
    PlantedBug{"look-at-the-clock",
               "s1.test reads the wall clock when events of other servers come.",
               "crash",
               make<LookAtTheClock>},
    PlantedBug{"unreadable-levels",
               "s1.test cannot read power levels any more after one of its users banned somebody.",
               "answers",
               make<UnreadableLevels>},
    PlantedBug{"loses-the-acknowledged",
               "s1.test acknowledges each fifth message and forgets it.",
               "acknowledged",
               make<LoseTheAcknowledged>},
    PlantedBug{"forgetful-join-answer",
               "s0.test tells servers that join of two members only.",
               "convergence",
               make<ForgetfulJoinAnswer>},
};

}  // namespace

std::span<const PlantedBug> network_bugs() {
    return kNetworkBugs;
}

}  // namespace matrix::simulator
