// How fast an event of about a kilobyte is parsed, written, hashed and verified.

#include <benchmark/benchmark.h>

#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/signatures.h"

namespace matrix {
namespace {

const RoomRules& bench_rules() {
    return *find_room_rules("11");
}

std::unique_ptr<Signer> bench_signer() {
    return make_ed25519_signer(KeyId("ed25519:1"), std::string(32, 's'));
}

json::Object bench_pdu() {
    const std::string hash(42, 'x');
    const EventTemplate event = {
        .room_id = RoomId("!room:a.example"),
        .sender = UserId("@alice:a.example"),
        .type = "m.room.message",
        .content = {{"msgtype", "m.text"},
                    {"body", "A message of the length that messages have, with \"quotes\" and é."},
                    {"format", "org.matrix.custom.html"},
                    {"formatted_body", "<p>A message of the length that messages have.</p>"},
                    {"m.mentions", json::Object{{"user_ids", json::Array{"@bob:b.example"}}}},
                    {"m.relates_to",
                     json::Object{{"rel_type", "m.thread"}, {"event_id", "$" + hash + "A"}}}},
        .prev_events = {EventId("$" + hash + "A")},
        .auth_events = {EventId("$" + hash + "E"),
                        EventId("$" + hash + "I"),
                        EventId("$" + hash + "M")},
        .depth = 12345,
        .origin_server_ts = 1'700'000'000'000,
    };
    json::Object pdu = make_pdu(event, bench_rules());
    hash_and_sign_event(pdu, ServerName("a.example"), *bench_signer(), bench_rules());
    return pdu;
}

void set_throughput(benchmark::State& state, std::size_t bytes) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void parse_json(benchmark::State& state) {
    const std::string text = json::write(bench_pdu());
    for (auto _ : state)
        benchmark::DoNotOptimize(json::parse(text));
    set_throughput(state, text.size());
}
BENCHMARK(parse_json);

void write_canonical_json(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    std::size_t bytes = 0;
    for (auto _ : state)
        bytes = json::write(pdu).size();
    set_throughput(state, bytes);
}
BENCHMARK(write_canonical_json);

void parse_and_write_json(benchmark::State& state) {
    const std::string text = json::write(bench_pdu());
    for (auto _ : state)
        benchmark::DoNotOptimize(json::write(*json::parse(text)));
    set_throughput(state, text.size());
}
BENCHMARK(parse_and_write_json);

// As other servers may send it: keys in another order, white space, escapes that are not needed.
std::string spelled_differently(const json::Object& object) {
    std::string text;
    for (const json::Member& member : object) {
        std::string key;
        json::write_string_to(key, member.key);
        std::string value;
        const json::Object* nested = member.value.if_object();
        nested ? void(value = spelled_differently(*nested)) : json::write_to(value, member.value);
        for (std::size_t at = 0; (at = value.find("é", at)) != std::string::npos;)
            value.replace(at, 2, "\\u00e9");
        text = "\n " + key + ": " + value + (text.empty() ? "" : ",") + text;
    }
    return "{" + text + "}";
}

void parse_and_write_json_of_another_spelling(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    const std::string text = spelled_differently(pdu);
    if (json::write(*json::parse(text)) != json::write(pdu)) state.SkipWithError("another event");
    for (auto _ : state)
        benchmark::DoNotOptimize(json::write(*json::parse(text)));
    set_throughput(state, text.size());
}
BENCHMARK(parse_and_write_json_of_another_spelling);

void parse_event_of_a_message(benchmark::State& state) {
    const std::string text = json::write(bench_pdu());
    for (auto _ : state)
        benchmark::DoNotOptimize(parse_event(text, bench_rules()));
    set_throughput(state, text.size());
}
BENCHMARK(parse_event_of_a_message);

void hash_content(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    for (auto _ : state)
        benchmark::DoNotOptimize(content_hash(pdu));
}
BENCHMARK(hash_content);

void redact_an_event(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    for (auto _ : state)
        benchmark::DoNotOptimize(redact(pdu, bench_rules()));
}
BENCHMARK(redact_an_event);

void hash_reference(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    for (auto _ : state)
        benchmark::DoNotOptimize(reference_hash(pdu, bench_rules()));
}
BENCHMARK(hash_reference);

void sign_an_event(benchmark::State& state) {
    json::Object pdu = bench_pdu();
    const auto signer = bench_signer();
    for (auto _ : state)
        sign_event(pdu, ServerName("a.example"), *signer, bench_rules());
}
BENCHMARK(sign_an_event);

void verify_an_event(benchmark::State& state) {
    const json::Object pdu = bench_pdu();
    const std::string key = bench_signer()->public_key();
    const std::string signature = list_signatures(pdu).front().signature;
    for (auto _ : state) {
        const bool is_valid = ed25519_verifier().is_valid(
            key, write_redacted_unsigned(pdu, bench_rules()), signature);
        if (!is_valid) state.SkipWithError("the signature is not valid");
    }
}
BENCHMARK(verify_an_event);

}  // namespace
}  // namespace matrix
