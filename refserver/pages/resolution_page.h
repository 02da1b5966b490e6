// One state resolution as an HTML page: the room's event graph, and the steps to walk through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace matrix::pages {

/// An event in the graph. Others are named by their index in `ResolutionReport::events`.
struct GraphEvent {
    std::string id;
    std::string label;  ///< Type and state key.
    std::string sender;
    std::string text;  ///< The event's JSON.
    std::int64_t origin_server_ts = 0;
    std::vector<std::size_t> prev_events;
    std::vector<std::size_t> auth_events;
    bool is_conflicted = false;  ///< In the full conflicted set.
    bool is_rejected = false;
};

struct ResolutionStep {
    enum class Verdict { None, Allowed, Refused };

    std::string phase;  ///< For example "Power events".
    std::string title;  ///< What this step is about: an event, or the phase's outcome.
    std::vector<std::string> lines;
    Verdict verdict = Verdict::None;
    std::optional<std::size_t> event;    ///< That is checked in this step.
    std::vector<std::size_t> judged_by;  ///< The state that it is checked against.
    std::vector<std::size_t> marked;     ///< The events that the step is about.
};

struct ResolutionReport {
    std::string title;
    std::vector<std::pair<std::string, std::string>> facts;  ///< Name and value, as text.
    std::vector<GraphEvent> events;
    std::vector<ResolutionStep> steps;
};

std::string resolution_page(const ResolutionReport& report);

}  // namespace matrix::pages
