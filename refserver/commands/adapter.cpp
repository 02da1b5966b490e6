#include "refserver/commands/adapter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <utility>

#include "conformance/oracle/switches.h"
#include "refserver/commands/adapter_request.h"

namespace matrix::commands {

using adapter::Answer;
using adapter::ErrorClass;
using adapter::RequestError;

namespace {

struct Operation {
    std::string_view name;
    Answer (*answer)(const json::Object& request);
};

Answer introduce(const json::Object& request);

// Nothing is kept from one request to the next, so there is nothing to forget.
Answer reset(const json::Object&) {
    return json::Object();
}

constexpr std::array<Operation, 12> kOperations = {
    {{"hello", introduce},
     {"canonical_json", adapter::write_canonical_json},
     {"parse_pdu", adapter::describe_event},
     {"content_hash", adapter::hash_content},
     {"event_id", adapter::make_event_id},
     {"redact", adapter::redact_event},
     {"sign", adapter::sign},
     {"verify", adapter::verify},
     {"auth_types", adapter::list_auth_types},
     {"auth", adapter::authorize},
     {"resolve", adapter::resolve_states},
     {"reset", reset}}};

Answer introduce(const json::Object&) {
    json::Array capabilities;
    for (const Operation& operation : kOperations)
        capabilities.push_back(operation.name);
    json::Array versions;
    for (const RoomRules* rules : known_room_rules())
        versions.push_back(rules->version);
    json::Array quirks;
    for (const oracle::QuirkRow& row : oracle::quirk_table())
        quirks.push_back(row.name);
    return json::Object{{"name", "touchstone"},
                        {"version", TOUCHSTONE_VERSION},
                        {"protocol", kAdapterProtocol},
                        {"capabilities", std::move(capabilities)},
                        {"room_versions", std::move(versions)},
                        {"quirks", std::move(quirks)},
                        {"implementations", json::Array{"fast", "oracle"}},
                        {"auth_chain", "exclusive"}};
}

Answer answer_object(const json::Object& request) {
    const json::Value* op = request.find("op");
    const std::string* name = op ? op->if_string() : nullptr;
    if (!name) return adapter::refuse_request("op", "the name of an operation");
    const auto known = std::ranges::find(kOperations, *name, &Operation::name);
    if (known != kOperations.end()) return known->answer(request);
    return std::unexpected(RequestError{
        ErrorClass::Unsupported, "op: no operation is called \"" + *name + "\"", "op", ""});
}

}  // namespace

std::string answer_request(std::string_view line) {
    const auto document = json::parse(line, json::Numbers::Any, {.depth_max = 256});
    const json::Object* request = document ? document->if_object() : nullptr;
    json::Object response{{"id", json::Value()}};
    if (request) {
        if (const json::Value* id = request->find("id")) response.set("id", *id);
        Answer answer = answer_object(*request);
        if (answer) {
            response.set("result", *std::move(answer));
        } else {
            response.set("error", to_json(answer.error()));
        }
    } else {
        RequestError error{.message = "expected an object in JSON"};
        if (!document) {
            error.message += ", with " + document.error().what + " at byte " +
                             std::to_string(document.error().offset);
        }
        response.set("error", to_json(error));
    }
    return json::write(response);
}

ExitCode run_adapter() {
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const std::string answer = answer_request(line) + '\n';
        const bool is_written =
            std::fwrite(answer.data(), 1, answer.size(), stdout) == answer.size() &&
            std::fflush(stdout) == 0;
        if (!is_written) return ExitCode::Usage;  // Nobody reads any more.
    }
    return ExitCode::Success;
}

}  // namespace matrix::commands
