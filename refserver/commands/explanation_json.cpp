// An explanation for programs.

#include <utility>

#include "refserver/commands/explanation.h"

namespace matrix::commands {
namespace {

json::Array array_of_ids(const std::vector<EventId>& ids) {
    json::Array array;
    for (const EventId& id : ids)
        array.push_back(id.text());
    return array;
}

json::Value pair_of(const StateKey& key) {
    return json::Array{key.type, key.state_key};
}

json::Value id_or_null(const std::optional<EventId>& id) {
    return id ? json::Value(id->text()) : json::Value();
}

json::Array array_of_conflicts(const std::vector<ConflictedKey>& conflicts) {
    json::Array array;
    for (const ConflictedKey& conflict : conflicts) {
        json::Array values;
        for (const auto& value : conflict.values)
            values.push_back(id_or_null(value));
        array.push_back(json::Object{{"key", pair_of(conflict.key)},
                                     {"values", std::move(values)},
                                     {"resolved", id_or_null(conflict.resolved)}});
    }
    return array;
}

json::Array array_of_applied(const std::vector<AppliedEvent>& list) {
    json::Array array;
    for (const AppliedEvent& one : list) {
        json::Object object{{"event_id", one.event->id.text()},
                            {"allowed", one.is_allowed},
                            {"judged_by", array_of_ids(one.judged_by)}};
        if (!one.sort_key.empty()) object.set("sort_key", one.sort_key);
        if (!one.because.empty()) object.set("because", one.because);
        if (!one.rule.empty()) object.set("rule", one.rule);
        if (!one.detail.empty()) object.set("detail", one.detail);
        array.push_back(std::move(object));
    }
    return array;
}

}  // namespace

json::Object write_json(const Explanation& told) {
    json::Array restored;
    for (const StateKey& key : told.restored)
        restored.push_back(pair_of(key));
    return {{"algorithm", told.algorithm},
            {"conflicted_keys", array_of_conflicts(told.conflicted_keys)},
            {"unconflicted_count", static_cast<std::int64_t>(told.unconflicted_count)},
            {"auth_difference", array_of_ids(told.auth_difference)},
            {"conflicted_subgraph", array_of_ids(told.subgraph)},
            {"full_conflicted_set", array_of_ids(told.full_conflicted_set)},
            {"power_order", array_of_applied(told.power_order)},
            {"mainline", array_of_ids(told.mainline)},
            {"remaining_order", array_of_applied(told.remaining_order)},
            {"restored_keys", std::move(restored)}};
}

}  // namespace matrix::commands
