// A reference server behind fronts that alter what it answers: a target that misbehaves as a test
// wants.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "conformance/harness/http_client.h"
#include "conformance/harness/http_listener.h"
#include "conformance/harness/process.h"

namespace matrix::live {

class MisbehavingTarget {
public:
    /// Changes an answer, or gives one without asking the server.
    struct Misbehaviour {
        std::function<void(const conformance::IncomingRequest&, conformance::OutgoingResponse&)>
            alter = {};
        std::function<bool(const conformance::IncomingRequest&, conformance::OutgoingResponse&)>
            answer = {};
    };

    /// Starts the server and its fronts, with an authority in `folder`; asserts that it can.
    MisbehavingTarget(const std::string& folder, Misbehaviour misbehaviour);
    MisbehavingTarget(const MisbehavingTarget&) = delete;
    MisbehavingTarget& operator=(const MisbehavingTarget&) = delete;
    ~MisbehavingTarget();

    /// Of the client API, in front of the server.
    std::string url() const;

private:
    conformance::OutgoingResponse serve(conformance::HttpClient* server,
                                        const conformance::IncomingRequest& request);

    Misbehaviour misbehaviour_;
    conformance::ExchangeLog log_;
    conformance::TlsIdentity certificate_;
    std::unique_ptr<conformance::Process> process_;
    std::unique_ptr<conformance::HttpClient> to_clients_api_;
    std::unique_ptr<conformance::HttpClient> to_federation_api_;
    std::unique_ptr<conformance::HttpListener> clients_front_;
    std::unique_ptr<conformance::HttpListener> federation_front_;
};

}  // namespace matrix::live
