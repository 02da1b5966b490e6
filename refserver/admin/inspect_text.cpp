// Answers of the server as text for people: a line for each member, or for each element of a list.

#include <algorithm>
#include <ranges>
#include <utility>

#include "refserver/admin/inspect.h"

namespace matrix::admin {
namespace {

/// Wider columns do not widen the others.
constexpr std::size_t kColumnWidthMax = 60;

// On a terminal a stranger's control characters would act.
std::string readable(std::string_view text) {
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        shown += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return shown;
}

std::string value_text(const json::Value& value) {
    if (value.is_null()) return "-";
    if (const std::string* text = value.if_string()) {
        return text->empty() ? "\"\"" : readable(*text);
    }
    const json::Array* array = value.if_array();
    const bool is_flat = array && std::ranges::none_of(*array, [](const json::Value& element) {
                             return element.if_array() || element.is_object();
                         });
    if (!is_flat) return json::write(value);
    std::string text;
    for (const json::Value& element : *array)
        text += (text.empty() ? "" : " ") + value_text(element);
    return text.empty() ? "(none)" : text;
}

std::vector<std::vector<std::string>> rows_of(const json::Array& list,
                                              const std::vector<std::string>& columns) {
    std::vector<std::vector<std::string>> rows{columns};
    for (const json::Value& element : list) {
        std::vector<std::string> row;
        for (const std::string& column : columns) {
            const json::Value* value = element.find(column);
            row.push_back(value == nullptr ? "-" : value_text(*value));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string table_text(const json::Array& list, std::string_view column_names) {
    std::vector<std::string> columns;
    for (const auto name : std::views::split(column_names, ' '))
        columns.emplace_back(std::string_view(name));
    const auto rows = rows_of(list, columns);
    std::vector<std::size_t> widths(columns.size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], std::min(row[i].size(), kColumnWidthMax));
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::string cell = row[i];
            const bool is_last = i + 1 == row.size();
            if (!is_last) cell.resize(std::max(cell.size(), widths[i]) + 2, ' ');
            text += cell;
        }
        text += '\n';
    }
    return text;
}

std::string members_text(const json::Object& object, const std::string& prefix) {
    std::string text;
    for (const json::Member& member : object) {
        const std::string name = prefix + member.key;
        if (const json::Object* inner = member.value.if_object()) {
            text += members_text(*inner, name + ".");
        } else {
            text += name + ": " + value_text(member.value) + '\n';
        }
    }
    return text;
}

std::string input_text(const json::Value& input) {
    std::string text = "    ";
    for (const std::string_view name : {"role", "type", "state_key", "event_id"}) {
        const json::Value* value = input.find(name);
        if (value != nullptr) text += value_text(*value) + " ";
    }
    const bool* is_known = input.find_boolean("is_known");
    const bool* is_rejected = input.find_boolean("is_rejected");
    if (is_known != nullptr && !*is_known) text += "(not there)";
    if (is_rejected != nullptr && *is_rejected) text += "(rejected)";
    if (const json::Value* content = input.find("content")) text += json::write(*content);
    return readable(text) + '\n';
}

std::string check_text(const json::Value& check) {
    const std::string* name = check.find_string("check");
    const bool* is_allowed = check.find_boolean("is_allowed");
    const std::string* rule = check.find_string("rule");
    const std::string* detail = check.find_string("detail");
    std::string text = "  " + (name ? *name : "?") + ": ";
    text += is_allowed && *is_allowed ? "allowed" : "refused";
    if (rule && !rule->empty()) text += " by rule " + *rule;
    if (detail) text += ", " + *detail;
    text = readable(text) + '\n';
    if (const json::Array* inputs = check.find_array("inputs")) {
        for (const json::Value& input : *inputs)
            text += input_text(input);
    }
    return text;
}

// What was decided on receipt, then the checks as they come out now.
std::string event_text(json::Object event) {
    const json::Value checks = event.contains("checks_now") ? event["checks_now"] : json::Value();
    const json::Value pdu = event.contains("pdu") ? event["pdu"] : json::Value();
    event.erase("checks_now");
    event.erase("pdu");
    std::string text = members_text(event, "") + "checks, made again now:\n";
    if (const json::Array* list = checks.if_array()) {
        for (const json::Value& check : *list)
            text += check_text(check);
    }
    return text + "pdu: " + json::write(pdu) + '\n';
}

}  // namespace

std::string text_of(const InspectView& view, const json::Object& answer) {
    if (view.name == "event") return event_text(answer);
    json::Object rest = answer;
    std::string text;
    if (!view.list.empty()) {
        const json::Value* list = answer.find(view.list);
        if (list && list->if_array()) text += table_text(*list->if_array(), view.columns);
        rest.erase(view.list);
    }
    if (const json::Value* dropped = answer.find("dropped"); dropped && dropped->if_array()) {
        text += "dropped, of which nothing is stored:\n" +
                table_text(*dropped->if_array(), "dropped_ts event_id server detail");
        rest.erase("dropped");
    }
    return text + members_text(rest, "");
}

}  // namespace matrix::admin
