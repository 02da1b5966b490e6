// Planted bugs in what a server tells clients and strangers, each of which one workload brings out.

#include <array>

#include "refserver/protocol/json.h"
#include "simulator/planted/planted_bug.h"

namespace matrix::simulator {
namespace {

using runtime::HttpRequest;
using runtime::HttpResponse;

bool is_request_of(const HttpRequest& request, std::string_view method, std::string_view part) {
    return request.method == method && request.target.find(part) != std::string::npos;
}

// Takes the last item of a list in an answer away, if there is more than one.
void drop_last(HttpResponse& response, std::string_view list) {
    auto body = json::parse(response.body);
    if (!body || !body->is_object()) return;
    json::Value* items = body->if_object()->find(list);
    if (items == nullptr || items->if_array() == nullptr || items->if_array()->size() < 2) return;
    items->if_array()->pop_back();
    response.body = json::write(*body);
}

class LosesAtPageEnds final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_request_of(request, "GET", "/messages?");
    }
    void alter(HttpResponse& response) override { drop_last(response, "chunk"); }
};

class ForgetsChildren final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_request_of(request, "GET", "/federation/v1/hierarchy/");
    }
    void alter(HttpResponse& response) override { drop_last(response, "children"); }
};

class MisnamesReplacements final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_request_of(request, "POST", "/upgrade");
    }
    void alter(HttpResponse& response) override {
        if (response.status == 200) response.body = R"({"replacement_room":"!nowhere:s1.test"})";
    }
};

// It answers 200 and does nothing, if there is nothing but news of devices.
class DeafToDevices final : public Saboteur {
public:
    std::optional<HttpResponse> intercept(int server, const HttpRequest& request) override {
        const bool is_transaction = is_request_of(request, "PUT", "/federation/v1/send/");
        if (server != kBuggyServer || !is_transaction) return std::nullopt;
        const auto body = json::parse(request.body);
        const json::Array* pdus = body ? body->find_array("pdus") : nullptr;
        const bool has_pdus = pdus != nullptr && !pdus->empty();
        if (has_pdus || request.body.find("\"m.device_list_update\"") == std::string::npos)
            return std::nullopt;
        return HttpResponse{200, {{"Content-Type", "application/json"}}, R"({"pdus":{}})"};
    }
};

// The first answer with a key is every later one.
class GivesKeysTwice final : public Saboteur {
public:
    bool is_altered(int server, const HttpRequest& request) override {
        return server == kBuggyServer && is_request_of(request, "POST", "/user/keys/claim");
    }
    void alter(HttpResponse& response) override {
        if (first_.empty() && response.body.find("curve25519:") != std::string::npos)
            first_ = response.body;
        if (!first_.empty()) response.body = first_;
    }

private:
    std::string first_;
};

template <class Kind>
std::unique_ptr<Saboteur> make_client_bug() {
    return std::make_unique<Kind>();
}

constexpr std::array kClientBugs = {
    PlantedBug{"loses-at-page-ends",
               "s1.test leaves out the last event of each page of history.",
               "history",
               make_client_bug<LosesAtPageEnds>,
               1,
               "history_paging"},
    PlantedBug{"forgets-children",
               "s1.test leaves out the last child of a space.",
               "spaces",
               make_client_bug<ForgetsChildren>,
               1,
               "spaces"},
    PlantedBug{"misnames-replacements",
               "s1.test tells who replaces a room of one that does not exist.",
               "upgrades",
               make_client_bug<MisnamesReplacements>,
               1,
               "room_upgrades"},
    PlantedBug{"deaf-to-devices",
               "s1.test does not heed what other servers tell it of devices.",
               "devices",
               make_client_bug<DeafToDevices>,
               1,
               "device_churn"},
    PlantedBug{"gives-keys-twice",
               "s1.test gives one one-time key to all other servers.",
               "devices",
               make_client_bug<GivesKeysTwice>,
               1,
               "device_churn"},
};

}  // namespace

std::span<const PlantedBug> client_bugs() {
    return kClientBugs;
}

}  // namespace matrix::simulator
