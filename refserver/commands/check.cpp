#include "refserver/commands/check.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/commands/event_report.h"
#include "refserver/commands/load.h"
#include "refserver/commands/room.h"

namespace matrix::commands {
namespace {

std::size_t count_fate(const RoomReport& report, Fate fate) {
    return static_cast<std::size_t>(std::ranges::count(report.events, fate, &EventReport::fate));
}

// Those that came through check 1, and of which some signature could not be verified.
std::size_t count_unverified(const RoomReport& report) {
    return static_cast<std::size_t>(
        std::ranges::count_if(report.events, [](const EventReport& event) {
            return event.fate != Fate::Dropped && !event.has_given_id && !event.is_verified;
        }));
}

std::size_t count_without_state(const RoomReport& report) {
    return static_cast<std::size_t>(
        std::ranges::count_if(report.events, [](const EventReport& event) {
            const bool is_placed = event.fate == Fate::Accepted || event.fate == Fate::Redacted;
            return is_placed && !event.has_state;
        }));
}

bool has_breach(const RoomReport& report) {
    return std::ranges::any_of(report.events, [](const EventReport& event) {
        return event.fate != Fate::Accepted && event.fate != Fate::Unjudged;
    });
}

bool is_complete(const RoomReport& report) {
    return count_fate(report, Fate::Unjudged) == 0 && count_unverified(report) == 0 &&
           count_without_state(report) == 0;
}

// --- As text -------------------------------------------------------------------------------------

std::string describe(const Finding& finding) {
    std::string text;
    if (!finding.field.empty()) text += finding.field + ": ";
    // Of a refusal by a rule it is a sentence about the event, else what should stand there.
    const bool is_sentence = finding.check >= 4;
    if (!finding.rule.empty()) text += finding.rule + ": ";
    text += (is_sentence ? "" : "expected ") + finding.expected;
    return text + " (check " + std::to_string(finding.check) + ")";
}

void print_event(const EventReport& event, const CheckOptions& options) {
    const bool has_id = !event.id.empty();
    const std::string name = has_id ? event.id.text() + ": " : "";
    for (const Finding& finding : event.findings) {
        std::cout << event.place << ": " << name_of(finding.fate) << ": " << name
                  << describe(finding) << '\n';
    }
    if (event.findings.empty() && options.wants_all) {
        std::cout << event.place << ": " << name_of(event.fate) << ": " << name << event.type
                  << '\n';
    }
}

void print_summary(const RoomReport& report) {
    std::cout << "room version " << report.room_version << ", " << report.events.size()
              << " events:";
    for (const Fate fate : kFates) {
        const std::size_t count = count_fate(report, fate);
        if (fate == Fate::Accepted || count != 0) {
            std::cout << (fate == Fate::Accepted ? " " : ", ") << count << ' ' << name_of(fate);
        }
    }
    if (const std::size_t count = count_unverified(report)) {
        std::cout << "; signatures of " << count << " not verified";
    }
    if (const std::size_t count = count_without_state(report)) {
        std::cout << "; state before " << count << " not known";
    }
    std::cout << '\n';
}

// --- As JSON -------------------------------------------------------------------------------------

json::Object to_json(const Place& place) {
    json::Object object{{"file", place.file}};
    if (place.line != 0) object.set("line", static_cast<std::int64_t>(place.line));
    if (!place.path.empty()) object.set("path", place.path);
    return object;
}

json::Object to_json(const EventReport& event) {
    json::Array findings;
    for (const Finding& finding : event.findings) {
        json::Object object{{"check", finding.check},
                            {"fate", name_of(finding.fate)},
                            {finding.check >= 4 ? "detail" : "expected", finding.expected}};
        if (!finding.field.empty()) object.set("field", finding.field);
        if (!finding.rule.empty()) object.set("rule", finding.rule);
        findings.push_back(std::move(object));
    }
    json::Object object{{"place", to_json(event.place)},
                        {"fate", name_of(event.fate)},
                        {"signatures_verified", event.is_verified},
                        {"state_before_known", event.has_state},
                        {"findings", std::move(findings)}};
    if (!event.id.empty()) object.set("event_id", event.id.text());
    if (!event.type.empty()) object.set("type", event.type);
    return object;
}

void print_json(const RoomReport& report) {
    json::Array events;
    for (const EventReport& event : report.events)
        events.push_back(to_json(event));
    json::Object summary;
    for (const Fate fate : kFates)
        summary.set(name_of(fate), static_cast<std::int64_t>(count_fate(report, fate)));
    std::cout << json::write(json::Object{{"room_version", report.room_version},
                                          {"room_id", report.room_id.text()},
                                          {"events", std::move(events)},
                                          {"summary", std::move(summary)},
                                          {"complete", is_complete(report)}})
              << '\n';
}

std::int64_t now_ms() {
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::expected<RoomReport, InputError> load_report(const CheckOptions& options) {
    KeyRing keys;
    for (const std::string& name : options.keys) {
        ASSIGN_OR_RETURN(const std::string text, read_input(name));
        RETURN_IF_ERROR(read_keys(text, display_name(name), keys));
    }
    ASSIGN_OR_RETURN(const std::vector<RoomFile> files, load_one_room(options.input));
    ASSIGN_OR_RETURN(const RoomRules* rules, find_rules(files, options.input.room_version));
    return report_room(files, *rules, keys, now_ms());
}

}  // namespace

ExitCode run_check(const CheckOptions& options) {
    const auto report = load_report(options);
    if (!report) {
        std::cerr << report.error() << '\n';
        return report.error().code;
    }
    if (options.wants_json) {
        print_json(*report);
    } else {
        for (const EventReport& event : report->events)
            print_event(event, options);
        print_summary(*report);
    }
    const bool is_good =
        !has_breach(*report) && (!options.must_be_complete || is_complete(*report));
    return is_good ? ExitCode::Success : ExitCode::Breach;
}

}  // namespace matrix::commands
