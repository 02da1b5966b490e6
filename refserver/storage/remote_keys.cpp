#include "refserver/storage/remote_keys.h"

namespace matrix::storage {

void RemoteKeys::put(const ServerKeys& keys, std::int64_t fetched_ts) {
    turns_.begin_unit();
    const std::string document = json::write(keys.document);
    for (const auto& [key_id, key] : keys.keys) {
        turns_.database().execute(
            "INSERT OR REPLACE INTO server_keys"
            " (server, key_id, public_key, valid_until_ts, is_old, document, fetched_ts)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            {keys.server.text(),
             key_id.text(),
             Binding::blob(key.public_key),
             key.valid_until_ts,
             key.is_old,
             document,
             fetched_ts});
    }
}

std::map<KeyId, ServerKey> RemoteKeys::load(const ServerName& server) {
    std::map<KeyId, ServerKey> keys;
    turns_.database().query(
        "SELECT key_id, public_key, valid_until_ts, is_old FROM server_keys WHERE server = ?1",
        {server.text()},
        [&](const Row& row) {
            keys[KeyId(row.text(0))] = {row.text(1), row.integer(2), row.integer(3) != 0};
            return true;
        });
    return keys;
}

std::vector<RemoteKeys::Document> RemoteKeys::load_documents(const ServerName& server) {
    std::vector<Document> documents;
    turns_.database().query(
        "SELECT key_id, document, fetched_ts FROM server_keys WHERE server = ?1"
        " ORDER BY fetched_ts DESC, document",
        {server.text()},
        [&](const Row& row) {
            std::string text = row.text(1);
            if (documents.empty() || documents.back().text != text) {
                documents.push_back({std::move(text), row.integer(2), {}});
            }
            documents.back().keys.emplace_back(row.text(0));
            return true;
        });
    return documents;
}

}  // namespace matrix::storage
