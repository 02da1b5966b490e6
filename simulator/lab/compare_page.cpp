// The cases of a comparison as a page: each resolution under both versions, side by side.

#include <algorithm>
#include <sstream>

#include "refserver/commands/explanation.h"
#include "refserver/pages/html.h"
#include "refserver/versions/room_version_file.h"
#include "simulator/lab/compare.h"
#include "tests/generators/command.h"

namespace matrix::lab {
namespace {

using pages::escape_html;

constexpr std::string_view kStyle = R"(
main { max-width: 120em; }
.pair > div { min-width: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1em; }
.pair iframe { width: 100%; height: 48em; border: 1px solid #8888; }
@media (max-width: 70em) { .pair { grid-template-columns: 1fr; } }
)";

template <class Printed>
std::string text_of(const Printed& printed) {
    std::ostringstream out;
    out << printed;
    return out.str();
}

commands::Room room_of(const World& world, const Incident& incident) {
    commands::Room room{&world.room.rules(), {}, incident.inputs};
    for (const generators::RoomEvent& event : world.room.events())
        room.events.add(event.event);
    for (const EventId& id : incident.rejected)
        room.events.reject(id);
    return room;
}

// One column: what the version made of the states, and every step on the way.
std::string write_column(const World& world) {
    const std::string version(world.room.rules().version);
    std::string html = "<div><h3>" + escape_html(version) + "</h3>\n";
    if (!world.watched) {
        return html + "<p>Here the server had nothing to resolve: its states were equal.</p></div>";
    }
    const Incident& incident = *world.watched;
    html += "<ul>";
    if (incident.taken_back.empty()) html += "<li>Nothing is taken back.</li>";
    for (const TakenBack& taken : incident.taken_back)
        html += "<li>Takes back " + escape_html(text_of(taken)) + "</li>";
    const commands::Room room = room_of(world, incident);
    const auto explanation = commands::explain(
        room,
        commands::resolve_by_oracle(room.state_sets, room.events, *room.rules, oracle::Quirks()),
        {});
    const std::string page = commands::write_page(explanation, room, "Version " + version);
    return html + "</ul>\n<iframe title=\"" + escape_html(version) + "\" srcdoc=\"" +
           escape_html(page) + "\"></iframe></div>";
}

bool resets_class(const Incident& incident, KeyClass key_class) {
    return std::ranges::any_of(incident.taken_back, [&](const TakenBack& taken) {
        return taken.is_reset && class_of(taken.key) == key_class;
    });
}

// Where the first reset of the case is.
Watch find_place(const World& world, KeyClass key_class) {
    for (const Incident& incident : world.resets) {
        if (!resets_class(incident, key_class)) continue;
        return {incident.server, incident.event, incident.is_of_current_state};
    }
    return {};
}

std::string write_case(const Case& found, const CompareOptions& options) {
    const RoomRules& loser = found.is_lost_by_a ? *options.a : *options.b;
    const Watch place = find_place(run_world(found.plan, loser), found.key_class);
    const World a = run_world(found.plan, *options.a, {.watch = place});
    const World b = run_world(found.plan, *options.b, {.watch = place});
    const std::size_t commands = (found.plan.choices.size() - generators::kChoicesBeforeCommands) /
                                 generators::kChoicesPerCommand;
    return "<h2>" +
           escape_html(std::string(name_of(found.key_class)) + " lost by " +
                       std::string(loser.version)) +
           "</h2>\n<p>Seed " + std::to_string(found.seed) + ", cut down to " +
           std::to_string(commands) + " commands (" + std::to_string(a.room.events().size()) +
           " and " + std::to_string(b.room.events().size()) + " events) and " +
           std::to_string(found.plan.wrong_answers) + " wrong answers. Server " +
           std::string(1, static_cast<char>('a' + place.server)) + ", " +
           (place.is_of_current_state ? "the current state after" : "the state before") +
           " event number " + std::to_string(place.event) + ".</p>\n<div class=\"pair\">" +
           write_column(a) + write_column(b) + "</div>\n";
}

}  // namespace

std::string write_compare_page(const Comparison& comparison) {
    const CompareOptions& options = comparison.options;
    const std::string title = "Room versions " + std::string(options.a->version) + " and " +
                              std::string(options.b->version);
    std::string body = "<h1>" + escape_html(title) + "</h1>\n<p>" +
                       escape_html(versions::describe(*options.a)) + "; " +
                       escape_html(versions::describe(*options.b)) +
                       "</p>\n<p>For each class of keys the world that loses most of them under "
                       "one version and none under the other.</p>\n";
    if (comparison.cases.empty()) body += "<p>There is no such world.</p>\n";
    for (const Case& found : comparison.cases)
        body += write_case(found, options);
    return pages::page(title, body, kStyle);
}

}  // namespace matrix::lab
