// The adapter's operation `resolve`.

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/commands/adapter_request.h"
#include "refserver/commands/given_event.h"
#include "refserver/commands/resolution.h"
#include "refserver/protocol/state_resolver.h"

namespace matrix::commands::adapter {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds_since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

Result<bool> read_flag(const json::Object& request, std::string_view field) {
    const json::Value* value = request.find(field);
    if (!value) return false;
    if (const bool* flag = value->if_boolean()) return *flag;
    return refuse_request(field, "a boolean, not " + std::string(value->type_name()));
}

struct ResolveRequest {
    const RoomRules* rules = nullptr;
    std::vector<EventPtr> events;
    std::vector<EventId> rejected;
    std::vector<StateSet> state_sets;
    oracle::Quirks quirks;
    bool uses_oracle = false;
    bool wants_trace = false;
    bool wants_timing = false;
};

Result<std::vector<StateSet>> read_state_sets(const json::Object& request) {
    const json::Value* value = request.find("state_sets");
    if (!value) return refuse_request("state_sets", "an array of arrays of event ids");
    auto sets = parse_state_sets(*value, {});
    if (!sets) return refuse_request(sets.error().place.path, sets.error().expected);
    return *std::move(sets);
}

Result<oracle::Quirks> read_quirks(const json::Object& request) {
    ASSIGN_OR_RETURN(const auto ids, read_event_ids(request, "quirks"));
    std::vector<std::string> names;
    for (const EventId& id : ids)
        names.push_back(id.text());
    auto quirks = find_quirks(names);
    if (quirks) return *quirks;
    return std::unexpected(RequestError{
        ErrorClass::Unsupported, "quirks: " + std::move(quirks).error(), "quirks", ""});
}

Result<ResolveRequest> read_resolve_request(const json::Object& request) {
    ResolveRequest read;
    ASSIGN_OR_RETURN(read.rules, read_rules(request));
    ASSIGN_OR_RETURN(read.quirks, read_quirks(request));
    ASSIGN_OR_RETURN(read.uses_oracle, uses_oracle(request, !read.quirks.empty()));
    ASSIGN_OR_RETURN(read.wants_trace, read_flag(request, "trace"));
    ASSIGN_OR_RETURN(read.wants_timing, read_flag(request, "timing"));
    ASSIGN_OR_RETURN(read.rejected, read_event_ids(request, "rejected"));
    ASSIGN_OR_RETURN(read.state_sets, read_state_sets(request));

    ASSIGN_OR_RETURN(const std::vector<json::Object> pdus, read_pdus(request, "events"));
    std::vector<const json::Object*> pointers;
    for (const json::Object& pdu : pdus)
        pointers.push_back(&pdu);
    const RoomId room = default_room_of(pointers, *read.rules);
    for (std::size_t index = 0; index < pdus.size(); ++index) {
        const std::string field = "events[" + std::to_string(index) + ']';
        ASSIGN_OR_RETURN(EventPtr event, make_event(pdus[index], *read.rules, room, field));
        read.events.push_back(std::move(event));
    }
    return read;
}

// --- The answer ----------------------------------------------------------------------------------

json::Array array_of_ids(const std::vector<EventId>& ids) {
    json::Array array;
    array.reserve(ids.size());
    for (const EventId& id : ids)
        array.push_back(id.text());
    return array;
}

json::Object write_trace(const Resolution& resolution) {
    json::Array verdicts;
    for (const Resolution::Step& step : resolution.steps) {
        json::Object object{{"event_id", step.event_id.text()}, {"allowed", step.is_allowed}};
        if (!step.rule.empty()) object.set("rule", step.rule);
        if (!step.detail.empty()) object.set("detail", step.detail);
        verdicts.push_back(std::move(object));
    }
    return {{"full_conflicted_set", array_of_ids(resolution.full_conflicted_set)},
            {"power_order", array_of_ids(resolution.power_order)},
            {"mainline", array_of_ids(resolution.mainline)},
            {"remaining_order", array_of_ids(resolution.remaining_order)},
            {"verdicts", std::move(verdicts)}};
}

Result<std::vector<State>> make_states(const ResolveRequest& request, const EventMap& events) {
    std::vector<State> states;
    for (const StateSet& set : request.state_sets) {
        auto state = make_state(set, events);
        if (!state) return refuse_request(state.error().place.path, state.error().expected);
        states.push_back(*std::move(state));
    }
    return states;
}

struct TimedResult {
    std::vector<EventId> ids;
    std::optional<json::Object> trace;
    std::int64_t resolve_ns = 0;
    std::int64_t index_ns = 0;
};

Result<TimedResult> ask_oracle(const ResolveRequest& request, const EventMap& events) {
    TimedResult timed;
    const Clock::time_point start = Clock::now();
    ASSIGN_OR_RETURN(const std::vector<State> states, make_states(request, events));
    const OracleResolution resolved =
        resolve_by_oracle(states, events, *request.rules, request.quirks);
    timed.ids = oracle::list_event_ids(resolved.resolution.state);
    timed.resolve_ns = nanoseconds_since(start);
    if (request.wants_trace) timed.trace = write_trace(make_resolution(resolved));
    return timed;
}

// What is timed is a resolution over events that the resolver has met before: the first one makes
// its index.
Result<TimedResult> ask_fast(const ResolveRequest& request, const EventMap& events) {
    TimedResult timed;
    const Clock::time_point first = Clock::now();
    Resolver resolver(*request.rules, events.finder(), ed25519_verifier());
    ASSIGN_OR_RETURN(std::vector<State> states, make_states(request, events));
    if (request.wants_timing) {
        resolver.resolve(states);
        timed.index_ns = nanoseconds_since(first);
        const Clock::time_point start = Clock::now();
        ASSIGN_OR_RETURN(states, make_states(request, events));
        timed.ids = list_ids(resolver.resolve(states));
        timed.resolve_ns = nanoseconds_since(start);
    } else if (!request.wants_trace) {
        timed.ids = list_ids(resolver.resolve(states));
    }
    if (request.wants_trace) {
        const Resolution resolution = resolve_fast(states, events, *request.rules);
        timed.ids = list_ids(resolution.state);
        timed.trace = write_trace(resolution);
    }
    return timed;
}

}  // namespace

Answer resolve_states(const json::Object& request) {
    ASSIGN_OR_RETURN(ResolveRequest read, read_resolve_request(request));
    const Clock::time_point start = Clock::now();
    EventMap events;
    for (std::size_t index = 0; index < read.events.size(); ++index) {
        if (events.add(read.events[index])) continue;
        return refuse_request(
            "events[" + std::to_string(index) + "].event_id",
            "an id of its own: another event is called " + read.events[index]->id.text());
    }
    for (const EventId& id : read.rejected)
        events.reject(id);
    const std::int64_t map_ns = nanoseconds_since(start);
    ASSIGN_OR_RETURN(TimedResult timed,
                     read.uses_oracle ? ask_oracle(read, events) : ask_fast(read, events));

    json::Object result{{"event_ids", array_of_ids(timed.ids)}};
    if (timed.trace) result.set("trace", *std::move(timed.trace));
    if (read.wants_timing) {
        result.set("resolve_ns", timed.resolve_ns);
        result.set("index_ns", map_ns + timed.index_ns);
    }
    return result;
}

}  // namespace matrix::commands::adapter
