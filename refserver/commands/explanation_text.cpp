// An explanation for people, in lines.

#include <algorithm>
#include <sstream>
#include <utility>

#include "refserver/commands/explanation.h"

namespace matrix::commands {
namespace {

// What would break a line or a column is escaped as in JSON.
std::string quote(std::string_view text) {
    std::string quoted;
    json::write_string_to(quoted, text);
    return quoted;
}

std::string tell_event(const EventId& id, const EventMap& events) {
    const auth::CitedEvent found = events.find(id);
    if (!found.event) return id.text() + "  (not there)";
    const Event& event = *found.event;
    std::string text = id.text() + "  " + event.type;
    if (event.state_key) text += ' ' + quote(*event.state_key);
    text += "  by " + event.sender.text();
    return found.is_rejected ? text + "  (rejected)" : text;
}

class TextWriter {
public:
    explicit TextWriter(const EventMap& events) : events_(events) {}

    void head(const std::string& title) { out_ << '\n' << title << '\n'; }
    void line(const std::string& text) { out_ << "  " << text << '\n'; }
    void events(const std::vector<EventId>& ids) {
        if (ids.empty()) line("none");
        for (const EventId& id : ids)
            line(tell_event(id, events_));
    }
    void mainline(const std::vector<EventId>& ids) {
        if (ids.empty()) line("none: no power levels are resolved, so time and id decide");
        for (std::size_t position = 0; position < ids.size(); ++position)
            line(std::to_string(position) + ": " + tell_event(ids[position], events_));
    }
    void applied(const std::vector<AppliedEvent>& list) {
        if (list.empty()) line("none");
        std::size_t number = 0;
        for (const AppliedEvent& one : list)
            apply(++number, one);
    }
    std::string take() { return std::move(out_).str(); }
    std::ostringstream& out() { return out_; }

private:
    void apply(std::size_t number, const AppliedEvent& one) {
        line(std::to_string(number) + ". " + tell_event(one.event->id, events_));
        if (!one.sort_key.empty()) line("     " + one.sort_key + "; " + one.because);
        std::string verdict = one.is_allowed ? "allowed" : "refused";
        if (!one.rule.empty()) verdict += " by " + one.rule;
        if (!one.detail.empty()) verdict += ": " + one.detail;
        line("     " + verdict);
        std::string ids;
        for (const EventId& id : one.judged_by)
            ids += ' ' + id.text();
        if (!ids.empty()) line("     judged by" + ids);
    }

    const EventMap& events_;
    std::ostringstream out_;
};

std::string count(std::size_t number, std::string_view one, std::string_view many) {
    return std::to_string(number) + ' ' + std::string(number == 1 ? one : many);
}

void write_conflict(const Explanation& told, TextWriter& writer) {
    writer.head("Conflicted keys");
    for (const ConflictedKey& conflict : told.conflicted_keys) {
        writer.line(tell_key(conflict.key));
        for (std::size_t set = 0; set < conflict.values.size(); ++set) {
            const auto& value = conflict.values[set];
            writer.line("  set " + std::to_string(set + 1) + ": " +
                        (value ? value->text() : "nothing"));
        }
    }
    if (told.conflicted_keys.empty()) writer.line("none: the sets are equal");
}

void write_steps(const Explanation& told, TextWriter& writer) {
    if (told.algorithm == "v1") {
        writer.head("Checks, in their order");
        writer.applied(told.remaining_order);
        return;
    }
    writer.head("Auth difference");
    writer.events(told.auth_difference);
    if (told.algorithm.starts_with("v2.1") || !told.subgraph.empty()) {
        writer.head("Conflicted state subgraph");
        writer.events(told.subgraph);
    }
    writer.head("Full conflicted set");
    writer.events(told.full_conflicted_set);
    writer.head(
        told.starts_empty
            ? "Steps 1 and 2: power events and what leads to them, applied to an empty state"
            : "Steps 1 and 2: power events and what leads to them, applied to the "
              "unconflicted state");
    writer.applied(told.power_order);
    writer.head("Mainline, by position from the resolved power levels");
    writer.mainline(told.mainline);
    writer.head("Steps 3 and 4: the remaining events by mainline");
    writer.applied(told.remaining_order);
    writer.head("Step 5: unconflicted keys that got their event back");
    for (const StateKey& key : told.restored)
        writer.line(tell_key(key));
    if (told.restored.empty()) writer.line("none");
}

void write_result(const Explanation& told, TextWriter& writer) {
    writer.head("Result");
    for (const ConflictedKey& conflict : told.conflicted_keys) {
        writer.line(tell_key(conflict.key) + ": " +
                    (conflict.resolved ? conflict.resolved->text() : "nothing, for none passed"));
    }
    writer.line(count(told.unconflicted_count, "key", "keys") + " that nobody disputed");
}

}  // namespace

std::string tell_key(const StateKey& key) {
    return key.type + ' ' + quote(key.state_key);
}

std::string write_text(const Explanation& told, const EventMap& events) {
    TextWriter writer(events);
    writer.out() << "Room version " << told.room_version << ", state resolution " << told.algorithm
                 << ": " << count(told.set_sizes.size(), "state set", "state sets") << " of";
    std::string sizes;
    for (const std::size_t size : told.set_sizes)
        sizes += (sizes.empty() ? " " : ", ") + std::to_string(size);
    writer.out() << sizes;
    writer.out() << " entries; " << count(told.conflicted_keys.size(), "key", "keys")
                 << " conflicted, " << told.unconflicted_count << " not\n";
    for (const std::string& quirk : told.quirks)
        writer.out() << "With the quirk " << quirk << '\n';
    write_conflict(told, writer);
    if (!told.conflicted_keys.empty()) write_steps(told, writer);
    write_result(told, writer);
    return writer.take();
}

}  // namespace matrix::commands
