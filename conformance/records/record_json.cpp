// Records as JSON lines.

#include <array>

#include <nlohmann/json.hpp>

#include "conformance/records/record.h"
#include "refserver/base/assert.h"

namespace matrix::records {
namespace {

using Json = nlohmann::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::array<Outcome, 5> kOutcomes = {
    Outcome::Passed, Outcome::Failed, Outcome::Warned, Outcome::Skipped, Outcome::Crashed};

// What a server sent need not be UTF-8; a report must be.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const Pairs& headers) {
    Json array = Json::array();
    for (const auto& [name, value] : headers)
        array.push_back(Json::array({name, value}));
    return array;
}

Json to_json(const Exchange& exchange) {
    return {{"who", exchange.who},
            {"method", exchange.method},
            {"url", exchange.url},
            {"request_headers", to_json(exchange.request_headers)},
            {"request_body", exchange.request_body},
            {"status", exchange.status},
            {"response_headers", to_json(exchange.response_headers)},
            {"response_body", exchange.response_body},
            {"failure", exchange.failure},
            {"duration_ms", exchange.duration_ms}};
}

Json to_json(const Record& record) {
    Json json = {{"schema", kSchema},
                 {"run", record.run},
                 {"kind", record.kind},
                 {"id", record.id},
                 {"attempt", record.attempt},
                 {"time_ms", record.time_ms}};
    if (record.kind == "run") {
        json["target"] = record.target;
        json["server_name"] = record.server_name;
        json["software"] = record.software;
        json["arguments"] = record.arguments;
        json["planned_count"] = record.planned_count;
        return json;
    }
    json["level"] = record.level;
    json["place"] = record.place;
    json["requirement"] = record.requirement;
    json["since"] = record.since;
    json["outcome"] = name_of(record.outcome);
    json["duration_ms"] = record.duration_ms;
    json["reason"] = record.reason;
    json["is_untested"] = record.is_untested;
    json["repeat"] = record.repeat;
    json["findings"] = Json::array();
    for (const Finding& finding : record.findings) {
        json["findings"].push_back({{"is_warning", finding.is_warning},
                                    {"where", finding.where},
                                    {"message", finding.message}});
    }
    json["exchanges"] = Json::array();
    for (const Exchange& exchange : record.exchanges) {
        json["exchanges"].push_back(to_json(exchange));
    }
    return json;
}

// Reads members of one object; the first that is missing or has the wrong type is remembered.
class Reader {
public:
    Reader(const Json& object, std::string& problem) : object_(object), problem_(problem) {}

    void read(const char* key, std::string& value) {
        if (const Json* member = find(key, Json::value_t::string)) value = *member;
    }
    void read(const char* key, bool& value) {
        if (const Json* member = find(key, Json::value_t::boolean)) value = *member;
    }
    template <std::integral Number>
    void read(const char* key, Number& value) {
        const auto member = object_.find(key);
        if (member == object_.end() || !member->is_number_integer()) return miss(key);
        value = member->template get<Number>();
    }
    void read(const char* key, Pairs& value) {
        const Json* member = find(key, Json::value_t::array);
        if (member == nullptr) return;
        for (const Json& pair : *member) {
            const bool is_pair =
                pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
            if (!is_pair) return miss(key);
            value.emplace_back(pair[0], pair[1]);
        }
    }
    /// Each element of the array is given to `read_one`.
    template <class ReadOne>
    void read_each(const char* key, ReadOne read_one) {
        const Json* member = find(key, Json::value_t::array);
        if (member == nullptr) return;
        for (const Json& element : *member) {
            if (!element.is_object()) return miss(key);
            read_one(Reader(element, problem_));
        }
    }
    void miss(const char* key) {
        if (problem_.empty()) problem_ = std::string(key) + ": missing, or of the wrong type";
    }

private:
    const Json* find(const char* key, Json::value_t type) {
        const auto member = object_.find(key);
        if (member != object_.end() && member->type() == type) return &*member;
        miss(key);
        return nullptr;
    }

    const Json& object_;
    std::string& problem_;
};

Exchange read_exchange(Reader reader) {
    Exchange exchange;
    reader.read("who", exchange.who);
    reader.read("method", exchange.method);
    reader.read("url", exchange.url);
    reader.read("request_headers", exchange.request_headers);
    reader.read("request_body", exchange.request_body);
    reader.read("status", exchange.status);
    reader.read("response_headers", exchange.response_headers);
    reader.read("response_body", exchange.response_body);
    reader.read("failure", exchange.failure);
    reader.read("duration_ms", exchange.duration_ms);
    return exchange;
}

Finding read_finding(Reader reader) {
    Finding finding;
    reader.read("is_warning", finding.is_warning);
    reader.read("where", finding.where);
    reader.read("message", finding.message);
    return finding;
}

void read_test(Reader reader, Record& record) {
    reader.read("level", record.level);
    reader.read("place", record.place);
    reader.read("requirement", record.requirement);
    reader.read("since", record.since);
    reader.read("duration_ms", record.duration_ms);
    reader.read("reason", record.reason);
    reader.read("is_untested", record.is_untested);
    reader.read("repeat", record.repeat);
    reader.read_each("findings", [&](Reader one) { record.findings.push_back(read_finding(one)); });
    reader.read_each("exchanges",
                     [&](Reader one) { record.exchanges.push_back(read_exchange(one)); });
    std::string outcome;
    reader.read("outcome", outcome);
    for (const Outcome known : kOutcomes) {
        if (name_of(known) != outcome) continue;
        record.outcome = known;
        return;
    }
    reader.miss("outcome");
}

}  // namespace

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return "passed";
        case Outcome::Failed:
            return "failed";
        case Outcome::Warned:
            return "warned";
        case Outcome::Skipped:
            return "skipped";
        case Outcome::Crashed:
            return "crashed";
    }
    unreachable();
}

std::string write(const Record& record) {
    return dump(to_json(record));
}

std::expected<Record, std::string> parse(std::string_view line) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) return std::unexpected("no JSON object");
    std::string problem;
    Reader reader(json, problem);
    std::string schema;
    reader.read("schema", schema);
    if (problem.empty() && schema != kSchema) {
        return std::unexpected("schema: expected " + std::string(kSchema) + ", got " + schema);
    }
    Record record;
    reader.read("run", record.run);
    reader.read("kind", record.kind);
    reader.read("id", record.id);
    reader.read("attempt", record.attempt);
    reader.read("time_ms", record.time_ms);
    if (record.kind == "run") {
        reader.read("target", record.target);
        reader.read("server_name", record.server_name);
        reader.read("software", record.software);
        reader.read("arguments", record.arguments);
        reader.read("planned_count", record.planned_count);
    } else if (record.kind == "test") {
        read_test(reader, record);
    } else {
        reader.miss("kind");
    }
    if (!problem.empty()) return std::unexpected(problem);
    return record;
}

}  // namespace matrix::records
