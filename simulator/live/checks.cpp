#include "simulator/live/checks.h"

#include <algorithm>
#include <set>

#include "simulator/live/target_events.h"
#include "simulator/live/views.h"

namespace matrix::live {
namespace {

using conformance::escape;
using conformance::string_at;

constexpr std::size_t kStatesAskedMax = 60;  ///< Of each room, spread over its events.
constexpr std::size_t kDifferencesToldMax = 4;

std::string describe(const std::pair<std::string, std::string>& key) {
    return "(" + key.first + ", \"" + key.second + "\")";
}

// "(m.room.topic, ""): $a with us, $b with the target; ..."
std::string describe_differences(const StateIds& ours, const StateIds& theirs) {
    std::set<std::pair<std::string, std::string>> keys;
    for (const auto& [key, event] : ours)
        keys.insert(key);
    for (const auto& [key, event] : theirs)
        keys.insert(key);
    std::string text;
    std::size_t told = 0;
    for (const auto& key : keys) {
        const auto a = ours.find(key);
        const auto b = theirs.find(key);
        const std::string with_us = a == ours.end() ? "nothing" : a->second.text();
        const std::string with_them = b == theirs.end() ? "nothing" : b->second.text();
        if (with_us == with_them) continue;
        if (++told > kDifferencesToldMax) return text + "and more";
        text += describe(key) + ": " + with_us + " with us, " + with_them + " with the target; ";
    }
    return text;
}

class RoomChecks {
public:
    RoomChecks(Arena& arena, const LiveRoom& room, int number, const Evidence& evidence)
        : arena_(arena), room_(room), number_(number), evidence_(evidence) {}

    void run() {
        std::vector<EventId> wanted = list_sent_events(arena_, room_);
        for (const Planted& planted : evidence_.planted) {
            if (planted.room.id == room_.id) wanted.push_back(planted.event);
        }
        for (const Acknowledged& one : evidence_.acknowledged) {
            if (one.room == number_) wanted.push_back(one.event);
        }
        for (int server = 0; server < arena_.ours().count(); ++server) {
            auto view = look_into(arena_.ours(), server, room_.id, wanted);
            if (view) ours_.push_back(*std::move(view));
        }
        const auto target = look_at_target(arena_, room_);
        if (ours_.empty() || !target) {
            arena_.report().say_stuck("the target does not show room " + room_.id.text());
            return;
        }
        target_ = *target;
        check_states();
        check_planted();
        check_target_events(arena_, room_, ours_.front());
        // The rest is about rooms that have come to rest: before, servers legally differ.
        if (!evidence_.ends.contains(room_.id) || !do_ours_agree()) return;
        check_current_state();
        check_acknowledged();
    }

private:
    void add(const char* check, const char* place, std::string what, std::string evidence) {
        what += " Room " + room_.id.text() + ", version " + std::string(room_.rules->version) + ".";
        arena_.report().add({check, place, std::move(what), std::move(evidence)});
    }

    // If our own servers differ, they are no measure for others.
    bool do_ours_agree() {
        for (const OurView& view : ours_) {
            if (view.state == ours_.front().state && view.extremities == ours_.front().extremities)
                continue;
            arena_.report().say_stuck("our own servers differ about room " + room_.id.text() +
                                      ": the target cannot be measured by them");
            return false;
        }
        return true;
    }

    const OurEvent* find_ours(const EventId& event) const {
        const auto known = ours_.front().events.find(event);
        return known == ours_.front().events.end() ? nullptr : &known->second;
    }

    // All have one and the same end: what is true now is what is true after it.
    void check_current_state() {
        const EventId& end = evidence_.ends.at(room_.id);
        const bool is_common = ours_.front().extremities == std::set<EventId>{end} &&
                               target_.extremities == std::set<EventId>{end};
        if (!is_common) return;
        arena_.report().count("current states compared");
        if (target_.state == ours_.front().state) return;
        add("current state",
            "server-server-api/#room-state-resolution",
            "The target shows another current state than our servers, and all have " + end.text() +
                " as the room's only end.",
            describe_differences(ours_.front().state, target_.state));
    }

    // Evenly over the room's events, the settled end among them.
    std::vector<EventId> choose_events() const {
        std::vector<EventId> all;
        for (const auto& [id, event] : ours_.front().events) {
            if (event.status == engine::EventStatus::Accepted && event.state_before)
                all.push_back(id);
        }
        std::vector<EventId> chosen;
        const std::size_t step = std::max<std::size_t>(1, all.size() / kStatesAskedMax);
        for (std::size_t place = 0; place < all.size(); place += step)
            chosen.push_back(all[place]);
        const auto end = evidence_.ends.find(room_.id);
        if (end != evidence_.ends.end()) chosen.push_back(end->second);
        return chosen;
    }

    void check_states() {
        for (const EventId& event : choose_events()) {
            const Response answer = arena_.witness().state_ids(room_.id, event);
            const Json& ids = answer.at({"pdu_ids"});
            // It may not have the event, or not want to tell a server that was not there then.
            if (!answer.is_ok() || !ids.is_array()) continue;
            arena_.report().count("states before events compared");
            compare_state(event, ids);
        }
    }

    void compare_state(const EventId& event, const Json& ids) {
        const OurEvent& ours = *find_ours(event);
        std::set<std::string> theirs;
        for (const Json& id : ids) {
            if (id.is_string()) theirs.insert(id.get<std::string>());
        }
        std::string differences;
        for (const auto& [key, id] : *ours.state_before) {
            if (theirs.erase(id.text()) == 0)
                differences += "without " + id.text() + " for " + describe(key) + "; ";
        }
        for (const std::string& id : theirs) {
            const OurEvent* known = find_ours(EventId(id));
            differences += "with " + id;
            if (known != nullptr) {
                differences += " (" + known->event->type + ", \"" +
                               known->event->state_key.value_or("") + "\"" +
                               (known->is_rejected ? ", rejected by " + known->rule : "") + ")";
            }
            differences += "; ";
        }
        if (differences.empty()) return;
        add("state before an event",
            "server-server-api/#get_matrixfederationv1state_idsroomid",
            "The target's state before " + event.text() + " (" + ours.event->type + " of " +
                ours.event->sender.text() +
                ") is not the one that follows from the events before it.",
            differences);
    }

    // What anchors sent is allowed by every state: nobody may refuse, soft-fail or lose it.
    void check_acknowledged() {
        for (const Acknowledged& one : evidence_.acknowledged) {
            const Actor& actor = arena_.actors()[static_cast<std::size_t>(one.actor)];
            if (one.room != number_ || !actor.is_anchor) continue;
            const std::string who = "The " + std::string(name_of(one.action)) + " " +
                                    one.event.text() + " of " + actor.client.user().text();
            if (actor.side == arena_.options().plan.target_side()) {
                check_arrived(one, who);
            } else {
                check_shown(one.event, who);
            }
        }
    }

    void check_arrived(const Acknowledged& one, const std::string& who) {
        arena_.report().count("events acknowledged by the target looked for");
        if (!history_) history_ = walk_history(arena_, room_, ours_);
        if (history_->contains(one.event)) return;
        add("nothing acknowledged is lost",
            "client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid",
            who + ", which the target acknowledged, is before no end of the room.",
            "all events before the ends, as far as our servers or the target have them, were "
            "walked: " +
                std::to_string(history_->size()));
    }

    void check_shown(const EventId& event, const std::string& who) {
        arena_.report().count("events of ours looked for at the target");
        // If ours soft-failed it, that would be a fault of ours.
        const OurEvent* ours = find_ours(event);
        if (ours == nullptr || ours->status != engine::EventStatus::Accepted) return;
        const bool is_in_messages = target_.messages.contains(event);
        if (is_in_messages && arena_.is_shown(room_, event)) {
            arena_.report().count("  shown by the target");
            return;
        }
        // A server that was cut off for long may have a gap in its history, and fill it never.
        if (!is_in_messages && !arena_.witness().event(event).is_ok()) {
            arena_.report().count("  missing, in a gap of the target's history");
            return;
        }
        add("accepted events are shown",
            is_in_messages ? "client-server-api/#get_matrixclientv3roomsroomideventeventid"
                           : "client-server-api/#get_matrixclientv3roomsroomidmessages",
            who + ", which every state of the room allows, is not shown to a member by the target.",
            is_in_messages ? "GET /event does not give it"
                           : "no page of GET /messages has it, and a server that asks gets it");
    }

    void check_planted() {
        for (const Planted& planted : evidence_.planted) {
            if (planted.room.id != room_.id) continue;
            switch (planted.expectation) {
                case Expectation::Hidden:
                    check_hidden(planted);
                    break;
                case Expectation::ContentHidden:
                    check_content_hidden(planted);
                    break;
                case Expectation::Shown:
                    break;  // Judged when it was sent.
            }
        }
    }

    static const char* place_of(Behaviour behaviour) {
        switch (behaviour) {
            case Behaviour::Backdated:
                return "server-server-api/#soft-failure";
            case Behaviour::AclEvasion:
                return "server-server-api/#server-access-control-lists-acls";
            case Behaviour::Oversized:
                return "client-server-api/#size-limits";
            case Behaviour::Stranger:
            case Behaviour::UnknownAuthEvents:
            case Behaviour::ForeignAuthEvents:
            case Behaviour::WrongState:
                return "server-server-api/#rejection";
            case Behaviour::BadSignature:
            case Behaviour::BadHash:
            case Behaviour::Equivocation:
            case Behaviour::Withheld:
                return "server-server-api/#checks-performed-on-receipt-of-a-pdu";
        }
        unreachable();
    }

    void check_hidden(const Planted& planted) {
        arena_.report().count("bad events looked for at the target");
        std::string where;
        if (target_.messages.contains(planted.event)) where += "GET /messages has it; ";
        const bool is_state = std::ranges::any_of(
            target_.state, [&](const auto& entry) { return entry.second == planted.event; });
        if (is_state) where += "GET /state has it; ";
        if (target_.extremities.contains(planted.event)) where += "/make_join builds upon it; ";
        // A soft-failed event may be given to whoever names it.
        const bool is_soft_failed = planted.behaviour == Behaviour::Backdated;
        if (!is_soft_failed && arena_.is_shown(room_, planted.event))
            where += "GET /event gives it; ";
        if (where.empty()) return;
        add("bad events are hidden",
            place_of(planted.behaviour),
            "The target shows " + planted.event.text() + " (" +
                std::string(name_of(planted.behaviour)) + ").",
            where);
    }

    void check_content_hidden(const Planted& planted) {
        arena_.report().count("bad events looked for at the target");
        const Response event =
            arena_.call(arena_.target_anchor(),
                        "GET",
                        path_of(room_, "/event/" + escape(planted.event.view())));
        if (!event.is_ok() || !event.text.contains(planted.content_marker)) return;
        add("bad events are hidden",
            place_of(planted.behaviour),
            "The target shows the content of " + planted.event.text() +
                ", whose hash is wrong: it is to be redacted first.",
            testing::PrintToString(event));
    }

    Arena& arena_;
    const LiveRoom& room_;
    int number_;
    const Evidence& evidence_;
    std::vector<OurView> ours_;
    TargetView target_;
    std::optional<std::set<EventId>> history_;  ///< Walked when first needed.
};

void check_answers(Arena& arena) {
    arena.report().count("answers of the target to our servers",
                         arena.ours().target_answers().count());
    for (const FailedAnswer& failed : arena.ours().target_answers().failures()) {
        const std::string evidence =
            failed.request + ": " + std::to_string(failed.status) + " " + failed.body;
        if (failed.was_disturbed) {
            arena.report().note("under faults, the target answered " + evidence);
            continue;
        }
        arena.report().add({.check = "answers",
                            .place = "client-server-api/#standard-error-response",
                            .what = "The target answers a server with status " +
                                    std::to_string(failed.status) + ", and no link has a fault.",
                            .evidence = evidence});
    }
}

}  // namespace

void check_all(Arena& arena, const Evidence& evidence) {
    for (std::size_t number = 0; number < arena.rooms().size(); ++number)
        RoomChecks(arena, arena.rooms()[number], static_cast<int>(number), evidence).run();
    check_answers(arena);
}

}  // namespace matrix::live
