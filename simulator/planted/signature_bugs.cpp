// Planted bugs in how a server verifies signatures: it finds some events' bad.

#include <array>

#include "refserver/protocol/json.h"
#include "simulator/planted/planted_bug.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kBadPeriodMs = 100'000;
constexpr std::int64_t kBadForMs = 10'000;

using Refuses = bool (*)(const json::Object& event);

// Looks at what is signed: events, redacted; requests and keys are left alone.
class BlindVerifier final : public Verifier {
public:
    BlindVerifier(const Verifier& sound, Refuses refuses) : sound_(sound), refuses_(refuses) {}

    bool is_valid(std::string_view public_key,
                  std::string_view message,
                  std::string_view signature) const override {
        if (!sound_.is_valid(public_key, message, signature)) return false;
        const auto signed_value = json::parse(message);
        if (!signed_value || !signed_value->is_object()) return true;
        const json::Object& object = *signed_value->if_object();
        return !object.contains("prev_events") || !refuses_(object);
    }

private:
    const Verifier& sound_;
    Refuses refuses_;
};

bool is_text(const json::Object& object, std::string_view key, std::string_view expected) {
    const json::Value* value = object.find(key);
    return value != nullptr && value->if_string() != nullptr && *value->if_string() == expected;
}

bool has_content(const json::Object& event, std::string_view key, std::string_view expected) {
    const json::Value* content = event.find("content");
    return content != nullptr && content->if_object() != nullptr &&
           is_text(*content->if_object(), key, expected);
}

bool is_ban(const json::Object& event) {
    return is_text(event, "type", "m.room.member") && has_content(event, "membership", "ban");
}

bool is_closing(const json::Object& event) {
    return is_text(event, "type", "m.room.join_rules") && has_content(event, "join_rule", "invite");
}

// As if a leap of the clock were in the way.
bool is_topic_of_bad_time(const json::Object& event) {
    const json::Value* time = event.find("origin_server_ts");
    return is_text(event, "type", "m.room.topic") && time != nullptr &&
           time->if_integer() != nullptr && *time->if_integer() % kBadPeriodMs < kBadForMs;
}

class Blindness final : public Saboteur {
public:
    explicit Blindness(Refuses refuses) : refuses_(refuses) {}
    const Verifier& verifier_of(int server, const Verifier& sound) override {
        if (server != kBuggyServer) return sound;
        verifier_ = std::make_unique<BlindVerifier>(sound, refuses_);
        return *verifier_;
    }

private:
    Refuses refuses_;
    std::unique_ptr<BlindVerifier> verifier_;
};

template <Refuses kRefuses>
std::unique_ptr<Saboteur> make_blind() {
    return std::make_unique<Blindness>(kRefuses);
}

constexpr std::array kSignatureBugs = {
    PlantedBug{"blind-to-bans",
               "s1.test finds the signatures of bans bad.",
               "convergence",
               make_blind<is_ban>},
    PlantedBug{"blind-to-closing",
               "s1.test finds the signature bad of whatever makes a room invite-only.",
               "convergence",
               make_blind<is_closing>},
    PlantedBug{"blind-at-times",
               "s1.test finds bad the signatures of topics of every tenth ten seconds.",
               "convergence",
               make_blind<is_topic_of_bad_time>,
               17},
};

}  // namespace

std::span<const PlantedBug> signature_bugs() {
    return kSignatureBugs;
}

}  // namespace matrix::simulator
