// GET and POST /_matrix/key/v2/query: the notary. Keys of other servers, with our signature.
//
// Anybody may ask: what one query can make us do is bounded, and each server is asked no more often
// than the key ring allows.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/runtime/clock.h"

namespace matrix::engine {
namespace {

/// Servers of one query; of so many of them new keys are fetched, the others are answered from what
/// is known.
constexpr std::size_t kQueriedServersMax = 1000;
constexpr std::size_t kFetchedServersMax = 64;
constexpr std::size_t kDocumentsPerServerMax = 8;
constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

std::int64_t valid_until_ts_of(const json::Object& document) {
    const json::Value* until = document.find("valid_until_ts");
    const std::int64_t* integer = until ? until->if_integer() : nullptr;
    MATRIX_ASSERT(integer);  // It was checked before it was stored.
    return *integer;
}

json::Object parse_document(const std::string& text) {
    auto document = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(document && document->is_object());  // We have stored it.
    return std::move(*document->if_object());
}

}  // namespace

Task<Result<Reply>> FederationServer::get_queried_keys(Request request) {
    auto server = parse_server_name(request.path[0]);
    if (!server) co_return invalid_param("serverName: expected " + server.error().what);
    // Spec: "If not supplied, the notary server MUST use the current time."
    ASSIGN_OR_CO_RETURN(
        const std::int64_t minimum_ts,
        request.integer_query("minimum_valid_until_ts", services_.clock.now().value));
    std::vector<KeyQuery> queries;
    queries.push_back({*std::move(server), {}, minimum_ts});
    co_return co_await answer_key_queries(std::move(queries));
}

Task<Result<Reply>> FederationServer::query_keys(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(std::vector<KeyQuery> queries, read_key_queries(body));
    co_return co_await answer_key_queries(std::move(queries));
}

// UNSPECIFIED: what a name is that is no server name. We leave it out, like a server that cannot be
// reached, because the others in the batch are worth an answer.
Result<std::vector<FederationServer::KeyQuery>> FederationServer::read_key_queries(
    const json::Object& body) const {
    ASSIGN_OR_RETURN(const json::Object servers, require_object(body, "server_keys"));
    if (servers.size() > kQueriedServersMax) {
        return too_large("server_keys: expected at most " + std::to_string(kQueriedServersMax) +
                         " servers");
    }
    const std::int64_t now_ts = services_.clock.now().value;
    std::vector<KeyQuery> queries;
    for (const json::Member& entry : servers) {
        const json::Object* keys = entry.value.if_object();
        if (!keys) return bad_json("server_keys: expected an object for each server");
        auto server = parse_server_name(entry.key);
        if (!server) continue;
        KeyQuery query{*std::move(server), {}, keys->empty() ? now_ts : 0};
        for (const json::Member& key : *keys) {
            const json::Object* criteria = key.value.if_object();
            if (!criteria) return bad_json("server_keys: expected an object for each key");
            ASSIGN_OR_RETURN(const auto minimum_ts,
                             optional_integer(*criteria, "minimum_valid_until_ts"));
            query.minimum_valid_until_ts =
                std::max(query.minimum_valid_until_ts, minimum_ts.value_or(now_ts));
            if (auto id = parse_key_id(key.key)) query.keys.insert(*std::move(id));
        }
        queries.push_back(std::move(query));
    }
    return queries;
}

// Is what is known too little, too old, or past the half of its life?
bool FederationServer::needs_fresh_keys(const KeyQuery& query) {
    const auto documents = remote_keys_.load_documents(query.server);
    const std::int64_t now_ts = services_.clock.now().value;
    std::set<KeyId> missing = query.keys;
    bool is_fresh = false;
    for (const auto& document : documents) {
        for (const KeyId& key : document.keys)
            missing.erase(key);
        const std::int64_t until_ts = valid_until_ts_of(parse_document(document.text));
        // Spec: "should cache a response for half of its lifetime".
        is_fresh |= until_ts >= query.minimum_valid_until_ts &&
                    now_ts - document.fetched_ts < (until_ts - document.fetched_ts) / 2;
    }
    return !is_fresh || !missing.empty();
}

// The newest document, and those that hold asked-for keys which no newer one holds. Spec: "should
// continue to return the last response", whether it has expired or not.
void FederationServer::append_documents(const KeyQuery& query,
                                        json::Array& into,
                                        std::size_t& bytes_left) {
    if (query.server == services_.server_name) {
        into.emplace_back(services_.keys.own_keys());
        return;
    }
    std::size_t count = 0;
    for (const auto& document : remote_keys_.load_documents(query.server)) {
        if (count == kDocumentsPerServerMax || document.text.size() > bytes_left) break;
        const bool is_asked_for = count == 0 || query.keys.empty() ||
                                  std::ranges::any_of(document.keys, [&](const KeyId& key) {
                                      return query.keys.contains(key);
                                  });
        if (!is_asked_for) continue;
        ++count;
        bytes_left -= document.text.size();
        SIM_SOMETIMES("we sign keys as a notary");
        json::Object keys = parse_document(document.text);
        sign_json(keys, services_.server_name.view(), services_.signer);
        into.emplace_back(std::move(keys));
    }
}

Task<Reply> FederationServer::answer_key_queries(std::vector<KeyQuery> queries) {
    std::vector<ServerName> stale;
    for (const KeyQuery& query : queries) {
        if (stale.size() == kFetchedServersMax) break;
        if (query.server == services_.server_name) continue;
        if (needs_fresh_keys(query)) stale.push_back(query.server);
    }
    SIM_SOMETIMES(!stale.empty(), "we fetch keys as a notary");
    co_await services_.keys.refresh(std::move(stale));
    json::Array documents;
    std::size_t bytes_left = kAnswerBytesMax;
    for (const KeyQuery& query : queries)
        append_documents(query, documents, bytes_left);
    co_return Reply{.body = json::Object{{"server_keys", json::Value(std::move(documents))}}};
}

}  // namespace matrix::engine
