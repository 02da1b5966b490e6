#include "tests/simulator/live_fronts.h"

#include <chrono>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "refserver/base/assert.h"
#include "refserver/platform/development_ca.h"

namespace matrix::live {
namespace {

using namespace conformance;

constexpr std::chrono::seconds kReadyWithin{30};
constexpr std::chrono::seconds kAnswerWithin{60};

TlsIdentity issue_certificate(const std::string& folder) {
    const auto authority = platform::DevelopmentCa::open(folder);
    MATRIX_ASSERT(authority.has_value());
    const std::vector<std::string> names = {"localhost", "127.0.0.1"};
    const platform::ServerCertificate certificate = authority->issue(names);
    return {certificate.chain_pem, certificate.key_pem};
}

}  // namespace

MisbehavingTarget::MisbehavingTarget(const std::string& folder, Misbehaviour misbehaviour)
    : misbehaviour_(std::move(misbehaviour)), certificate_(issue_certificate(folder)) {
    // The fronts come first: the server bears the name of one of them. What comes before the server
    // is there finds nobody.
    clients_front_ = std::make_unique<HttpListener>(
        "127.0.0.1:0", nullptr, [this](const IncomingRequest& request) {
            return serve(to_clients_api_.get(), request);
        });
    federation_front_ = std::make_unique<HttpListener>(
        "127.0.0.1:0", &certificate_, [this](const IncomingRequest& request) {
            return serve(to_federation_api_.get(), request);
        });
    MATRIX_ASSERT(clients_front_->failure().empty());
    MATRIX_ASSERT(federation_front_->failure().empty());
    auto process =
        Process::start({.command = {REFSERVER,
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--federation-listen",
                                    "127.0.0.1:0",
                                    "--dev-ca",
                                    folder,
                                    "--server-name",
                                    "localhost:" + std::to_string(federation_front_->port())},
                        .environment = {},
                        .working_directory = "",
                        .stdout_file = "",
                        .stderr_file = "/dev/null"});
    MATRIX_ASSERT(process.has_value());
    process_ = *std::move(process);
    const auto line = process_->read_line(kReadyWithin);
    MATRIX_ASSERT(line.has_value());
    const Json ready = Json::parse(*line, nullptr, false);
    const std::string ca_file = folder + "/ca.pem";
    to_clients_api_ = std::make_unique<HttpClient>(
        HttpOptions{.base_url = string_at(ready, {"url"}), .ca_file = "", .who = "front"}, log_);
    to_federation_api_ = std::make_unique<HttpClient>(
        HttpOptions{
            .base_url = string_at(ready, {"federation_url"}), .ca_file = ca_file, .who = "front"},
        log_);
}

// The fronts end before what they ask.
MisbehavingTarget::~MisbehavingTarget() {
    clients_front_.reset();
    federation_front_.reset();
}

std::string MisbehavingTarget::url() const {
    return "http://127.0.0.1:" + std::to_string(clients_front_->port());
}

OutgoingResponse MisbehavingTarget::serve(HttpClient* server, const IncomingRequest& request) {
    OutgoingResponse answer;
    if (server == nullptr) return respond_error(503, "M_UNKNOWN", "not yet");
    if (misbehaviour_.answer && misbehaviour_.answer(request, answer)) return answer;
    HttpRequest forwarded{.method = request.method, .target = request.target};
    if (const std::string* authorization = find_header(request.headers, "Authorization"))
        forwarded.headers.push_back({"Authorization", *authorization});
    if (request.method != "GET") forwarded.body = request.body;
    forwarded.timeout = kAnswerWithin;
    const Response response = server->send(forwarded);
    answer.status = response.status == 0 ? 502 : response.status;
    answer.body = response.text;
    if (misbehaviour_.alter) misbehaviour_.alter(request, answer);
    return answer;
}

}  // namespace matrix::live
