// Any bytes as a file for `refserver resolve` and `refserver check`: NDJSON, arrays, told rooms,
// answers of servers, vectors; and as a file of a state set, and of keys.
//
// What can be read is resolved and checked as the commands do it.

#include "refserver/commands/room_file.h"

#include <algorithm>

#include "fuzz/target.h"
#include "refserver/commands/event_report.h"
#include "refserver/commands/explanation.h"
#include "refserver/commands/history.h"
#include "refserver/commands/key_file.h"
#include "refserver/commands/resolution.h"
#include "refserver/commands/room.h"

namespace matrix::fuzz {
namespace {

using commands::RoomFile;

const std::string kFile = "file";

constexpr const char* kErrorLaw = "an error names the file and what was expected, in one line";

bool is_good_error(const commands::InputError& error) {
    const std::string place = to_string(error.place);
    return !error.expected.empty() && !place.contains('\n') && !error.field.contains('\n') &&
           !error.expected.contains('\n') && error.code == commands::ExitCode::Malformed;
}

const char* law_broken_by_resolution(const commands::Room& room) {
    const auto fast = commands::resolve_fast(room.state_sets, room.events, *room.rules);
    const auto oracle = commands::resolve_by_oracle(room.state_sets, room.events, *room.rules);
    if (commands::find_difference(fast, commands::make_resolution(oracle))) {
        return "both implementations resolve a room alike";
    }
    const commands::Explanation explanation = commands::explain(room, oracle, {});
    if (commands::write_text(explanation, room.events).empty()) return "an explanation has words";
    const std::string text = json::write(commands::write_json(explanation));
    if (!json::parse(text)) return "an explanation is JSON";
    if (!commands::write_page(explanation, room, "title").ends_with("</html>\n")) {
        return "a page is whole";
    }
    return nullptr;
}

const char* law_broken_by_history(commands::Room& room) {
    commands::History history(room.events, *room.rules);
    history.judge();
    for (const EventId& id : history.forward_extremities()) {
        auto state = history.state_after(id);
        if (!state) return "the state after a forward extremity is known";
        room.state_sets.push_back(*std::move(state));
    }
    return nullptr;
}

const char* law_broken_by_report(std::span<const RoomFile> files, const RoomRules& rules) {
    constexpr std::int64_t kNow = 1'700'000'000'000;
    const commands::RoomReport report = commands::report_room(files, rules, {}, kNow);
    std::size_t lines = 0;
    for (const RoomFile& file : files)
        lines += file.pdus.size() + file.broken_lines.size();
    if (report.events.size() != lines) return "a report speaks of each event once";
    for (const commands::EventReport& event : report.events) {
        if (event.findings.empty() != (event.fate == commands::Fate::Accepted)) {
            return "whatever is not accepted has a reason";
        }
        for (const commands::Finding& finding : event.findings) {
            if (finding.expected.empty()) return "a finding says what was expected";
        }
    }
    return nullptr;
}

const char* law_broken_by_room(const RoomFile& file) {
    const std::span files(&file, 1);
    const auto rules = commands::find_rules(files, std::nullopt);
    if (!rules) return is_good_error(rules.error()) ? nullptr : kErrorLaw;
    if (const char* law = law_broken_by_report(files, **rules)) return law;
    auto room = commands::make_room(files, **rules);
    if (!room) return std::ranges::all_of(room.error(), is_good_error) ? nullptr : kErrorLaw;
    if (room->state_sets.empty()) {
        if (const char* law = law_broken_by_history(*room)) return law;
    }
    return room->state_sets.empty() ? nullptr : law_broken_by_resolution(*room);
}

const char* law_broken_by_rooms(std::string_view bytes,
                                std::optional<commands::FileFormat> format) {
    const auto rooms = commands::read_rooms(bytes, kFile, format);
    if (!rooms) return is_good_error(rooms.error()) ? nullptr : kErrorLaw;
    for (const commands::RoomCase& one : *rooms) {
        if (const char* law = law_broken_by_room(one.room)) return law;
    }
    return nullptr;
}

const char* law_broken_by_other_files(std::string_view bytes) {
    const auto set = commands::read_state_set(bytes, kFile);
    if (!set && !is_good_error(set.error())) return kErrorLaw;
    commands::KeyRing ring;
    const auto keys = commands::read_keys(bytes, kFile, ring);
    if (!keys && !is_good_error(keys.error())) return kErrorLaw;
    return nullptr;
}

}  // namespace

Outcome run_room_file(std::string_view bytes) {
    const char* law = law_broken_by_rooms(bytes, std::nullopt);
    // Events without a frame are read as what --format says, too.
    if (!law) law = law_broken_by_rooms(bytes, commands::FileFormat::Lines);
    if (!law) law = law_broken_by_other_files(bytes);
    if (!law) return std::nullopt;
    return Finding{law, {}};
}

}  // namespace matrix::fuzz
