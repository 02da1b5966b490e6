// GET /versions: which versions of the specification this server speaks.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions

#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::get_versions(Request) {
    // DEVIATION: these versions are those that clients ask for before they connect, not those of
    // which every module exists, because without them no client would talk to us at all.
    constexpr std::string_view kVersions[] = {
        "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11"};
    json::Array versions(std::begin(kVersions), std::end(kVersions));
    co_return Reply{.body = json::Object{{"versions", std::move(versions)},
                                         {"unstable_features", json::Object{}}}};
}

}  // namespace matrix::engine
