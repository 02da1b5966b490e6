// The keys of other servers, as they were last fetched.
//
// Keys stay when a server no longer lists them: old events are still signed by them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "refserver/protocol/server_keys.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class RemoteKeys {
public:
    explicit RemoteKeys(Turns& turns) : turns_(turns) {}

    /// Stores every key of a document; a key of the same id is replaced.
    void put(const ServerKeys& keys, std::int64_t fetched_ts);
    /// All that is known of a server; empty if nothing is.
    std::map<KeyId, ServerKey> load(const ServerName& server);

    struct Document {
        std::string text;  ///< As it was signed: canonical JSON.
        std::int64_t fetched_ts = 0;
        std::vector<KeyId> keys;  ///< Those of which it is the newest document.
    };
    /// The documents that brought these keys, the newest first.
    std::vector<Document> load_documents(const ServerName& server);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
