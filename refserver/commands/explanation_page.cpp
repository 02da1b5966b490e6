// An explanation as a page to step through.

#include <map>
#include <utility>

#include "refserver/commands/explanation.h"
#include "refserver/pages/resolution_page.h"

namespace matrix::commands {
namespace {

using pages::GraphEvent;
using pages::ResolutionReport;
using pages::ResolutionStep;

/// The events of the room by their place on the page.
class PageBuilder {
public:
    PageBuilder(const Explanation& told, const Room& room) : told_(told), room_(room) {
        for (const auto& [id, event] : room.events.events())
            indices_.emplace(id, indices_.size());
    }

    std::vector<GraphEvent> list_events() const;
    std::vector<ResolutionStep> list_steps() const;

private:
    std::vector<std::size_t> indices_of(const std::vector<EventId>& ids) const;
    std::string name_of(const EventId& id) const;
    void add_group(std::vector<ResolutionStep>& steps,
                   const std::string& phase,
                   const std::vector<EventId>& ids,
                   const std::string& line) const;
    void add_applied(std::vector<ResolutionStep>& steps,
                     const std::string& phase,
                     const std::vector<AppliedEvent>& list) const;
    ResolutionStep describe_conflicts() const;
    ResolutionStep describe_result() const;

    const Explanation& told_;
    const Room& room_;
    std::map<EventId, std::size_t> indices_;
};

std::vector<std::size_t> PageBuilder::indices_of(const std::vector<EventId>& ids) const {
    std::vector<std::size_t> indices;
    for (const EventId& id : ids) {
        const auto entry = indices_.find(id);
        if (entry != indices_.end()) indices.push_back(entry->second);
    }
    return indices;
}

std::string PageBuilder::name_of(const EventId& id) const {
    const EventPtr event = room_.events.find(id).event;
    if (!event) return id.text() + " (not there)";
    std::string name = id.text() + " " + event->type;
    if (event->state_key && !event->state_key->empty()) name += " " + *event->state_key;
    return name;
}

std::vector<GraphEvent> PageBuilder::list_events() const {
    std::vector<bool> is_conflicted(indices_.size());
    for (const std::size_t index : indices_of(told_.full_conflicted_set))
        is_conflicted[index] = true;
    std::vector<GraphEvent> events;
    for (const auto& [id, event] : room_.events.events()) {
        GraphEvent& drawn = events.emplace_back();
        drawn.id = id.text();
        drawn.label = event->type;
        if (event->state_key && !event->state_key->empty()) drawn.label += " " + *event->state_key;
        drawn.sender = event->sender.text();
        drawn.text = event->text;
        drawn.origin_server_ts = event->origin_server_ts;
        drawn.prev_events = indices_of(event->prev_events);
        drawn.auth_events = indices_of(event->auth_events);
        drawn.is_conflicted = is_conflicted[events.size() - 1];
        drawn.is_rejected = room_.events.rejected().contains(id);
    }
    return events;
}

ResolutionStep PageBuilder::describe_conflicts() const {
    ResolutionStep step{.phase = "Conflicted keys",
                        .title = std::to_string(told_.conflicted_keys.size()) + " conflicted, " +
                                 std::to_string(told_.unconflicted_count) + " not"};
    for (const ConflictedKey& conflict : told_.conflicted_keys) {
        std::string line = tell_key(conflict.key) + ":";
        std::vector<EventId> ids;
        for (std::size_t set = 0; set < conflict.values.size(); ++set) {
            const auto& value = conflict.values[set];
            line += (set == 0 ? " " : ", ") + (value ? value->text() : std::string("nothing"));
            if (value) ids.push_back(*value);
        }
        step.lines.push_back(std::move(line));
        for (const std::size_t index : indices_of(ids))
            step.marked.push_back(index);
    }
    return step;
}

void PageBuilder::add_group(std::vector<ResolutionStep>& steps,
                            const std::string& phase,
                            const std::vector<EventId>& ids,
                            const std::string& line) const {
    ResolutionStep step{
        .phase = phase,
        .title = ids.size() == 1 ? "1 event" : std::to_string(ids.size()) + " events",
        .lines = {line},
        .marked = indices_of(ids)};
    for (const EventId& id : ids)
        step.lines.push_back(name_of(id));
    steps.push_back(std::move(step));
}

void PageBuilder::add_applied(std::vector<ResolutionStep>& steps,
                              const std::string& phase,
                              const std::vector<AppliedEvent>& list) const {
    std::size_t number = 0;
    for (const AppliedEvent& one : list) {
        ResolutionStep step{
            .phase = phase + ", " + std::to_string(++number) + " of " + std::to_string(list.size()),
            .title = name_of(one.event->id),
            .verdict = one.is_allowed ? ResolutionStep::Verdict::Allowed
                                      : ResolutionStep::Verdict::Refused,
            .event = indices_.at(one.event->id),
            .judged_by = indices_of(one.judged_by)};
        if (!one.sort_key.empty()) step.lines.push_back(one.sort_key + "; " + one.because);
        std::string reason = one.rule;
        if (!one.detail.empty()) reason += (reason.empty() ? "" : ": ") + one.detail;
        if (!reason.empty()) step.lines.push_back(std::move(reason));
        steps.push_back(std::move(step));
    }
}

ResolutionStep PageBuilder::describe_result() const {
    ResolutionStep step{.phase = "Result",
                        .title = std::to_string(told_.state.size()) + " entries"};
    for (const ConflictedKey& conflict : told_.conflicted_keys) {
        step.lines.push_back(
            tell_key(conflict.key) + ": " +
            (conflict.resolved ? conflict.resolved->text() : "nothing, for none passed"));
    }
    for (const StateKey& key : told_.restored)
        step.lines.push_back(tell_key(key) + ": the event that nobody disputed, by step 5");
    step.marked = indices_of(list_ids(told_.state));
    return step;
}

std::vector<ResolutionStep> PageBuilder::list_steps() const {
    std::vector<ResolutionStep> steps{describe_conflicts()};
    if (told_.algorithm == "v1") {
        add_applied(steps, "Checks", told_.remaining_order);
        steps.push_back(describe_result());
        return steps;
    }
    add_group(steps,
              "Auth difference",
              told_.auth_difference,
              "in the auth chain of some state, but not of all");
    if (told_.algorithm.starts_with("v2.1") || !told_.subgraph.empty()) {
        add_group(steps,
                  "Conflicted state subgraph",
                  told_.subgraph,
                  "on a path of auth events from one conflicted event to another");
    }
    add_group(steps, "Full conflicted set", told_.full_conflicted_set, "all of these together");
    add_applied(steps, "Power events", told_.power_order);
    add_group(steps,
              "Mainline",
              told_.mainline,
              "the power levels that led to the resolved ones, these first");
    add_applied(steps, "Remaining events", told_.remaining_order);
    steps.push_back(describe_result());
    return steps;
}

}  // namespace

std::string write_page(const Explanation& told, const Room& room, const std::string& title) {
    const PageBuilder builder(told, room);
    ResolutionReport report;
    report.title = title;
    report.facts = {{"Room version", told.room_version},
                    {"Algorithm", "state resolution " + told.algorithm},
                    {"State sets", std::to_string(told.set_sizes.size())},
                    {"Events", std::to_string(room.events.events().size())}};
    for (const std::string& quirk : told.quirks)
        report.facts.emplace_back("Quirk", quirk);
    report.events = builder.list_events();
    report.steps = builder.list_steps();
    return pages::resolution_page(report);
}

}  // namespace matrix::commands
