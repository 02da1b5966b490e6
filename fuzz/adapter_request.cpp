// Any bytes as a request to `refserver adapter`: always an answer, and the same by both
// implementations.

#include "fuzz/target.h"
#include "refserver/commands/adapter.h"

namespace matrix::fuzz {
namespace {

const char* law_broken_by_form(const json::Value& answer) {
    const json::Object* object = answer.if_object();
    if (!object || !object->contains("id")) return "an answer is an object with the request's id";
    if (object->contains("result") == object->contains("error")) {
        return "an answer holds either a result or an error";
    }
    const json::Value* error = object->find("error");
    if (!error) return nullptr;
    const std::string* kind = error->find_string("class");
    const std::string* message = error->find_string("message");
    if (!kind || !message || message->empty()) return "an error has a class and a message";
    if (*kind != "rejected" && *kind != "malformed" && *kind != "unsupported") {
        return "an error is of one of three classes";
    }
    if ((*kind == "rejected") != (error->find_string("rule") != nullptr)) {
        return "who rejects an event names the rule, and who does not, none";
    }
    return nullptr;
}

// What a reader of the answer relies on: the result, or who refused and why, without words.
json::Value part_in_common(const std::string& text) {
    auto answer = json::parse(text, json::Numbers::Any);
    const json::Value* error = answer ? answer->find("error") : nullptr;
    if (!answer || !error) return answer ? *std::move(answer) : json::Value();
    json::Object kept;
    for (const char* name : {"class", "field", "rule"}) {
        if (const json::Value* value = error->find(name)) kept.set(name, *value);
    }
    return kept;
}

// Asks both implementations what can be asked of both.
const char* law_broken_by_implementations(json::Object request) {
    const std::string* op = nullptr;
    if (const json::Value* value = request.find("op")) op = value->if_string();
    if (!op || (*op != "resolve" && *op != "auth") || request.contains("quirks")) return nullptr;
    request.erase("timing");
    request.erase(
        "trace");  // It has details in words; the comparison of traces is state_resolution's.
    request.set("implementation", "fast");
    const json::Value fast = part_in_common(commands::answer_request(json::write(request)));
    request.set("implementation", "oracle");
    const json::Value oracle = part_in_common(commands::answer_request(json::write(request)));
    return fast == oracle ? nullptr : "both implementations answer alike";
}

}  // namespace

Outcome run_adapter_request(std::string_view bytes) {
    const std::string text = commands::answer_request(bytes);
    const auto answer = json::parse(text, json::Numbers::Any);
    const auto request = json::parse(bytes, json::Numbers::Any);
    const char* law = nullptr;
    if (text.contains('\n')) {
        law = "an answer is one line";
    } else if (!answer) {
        law = "an answer is JSON";
    } else {
        law = law_broken_by_form(*answer);
    }
    if (!law && request && request->if_object()) {
        const json::Value* id = request->find("id");
        if (*answer->find("id") != (id ? *id : json::Value()))
            law = "an answer has its request's id";
        if (!law) law = law_broken_by_implementations(*request->if_object());
    }
    if (!law) return std::nullopt;
    json::Object vector = {{"answer", text}};
    if (request) vector.set("request", *request);
    return Finding{law, std::move(vector)};
}

}  // namespace matrix::fuzz
