// PolicySigner: this server as the policy server of rooms that appoint it.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/signatures.h"

namespace matrix::engine {

class PolicySigner {
public:
    /// What is recommended: everything that contains none of `refused_texts`, which are looked for
    /// in the event's canonical JSON.
    PolicySigner(ServerName server,
                 std::unique_ptr<Signer> signer,
                 std::vector<std::string> refused_texts)
        : server_(std::move(server)),
          signer_(std::move(signer)),
          refused_texts_(std::move(refused_texts)) {}

    /// For the `m.room.policy` of rooms: 32 raw bytes.
    std::string public_key() const { return signer_->public_key(); }
    /// The signature alone, as /sign answers. 400 M_FORBIDDEN if the event is not recommended.
    Result<json::Object> sign(const Event& event) const;

private:
    ServerName server_;
    std::unique_ptr<Signer> signer_;  ///< Of another key than that of the server's requests.
    std::vector<std::string> refused_texts_;
};

}  // namespace matrix::engine
