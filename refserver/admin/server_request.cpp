#include "refserver/admin/server_request.h"

#include <optional>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/platform/event_loop.h"
#include "refserver/platform/http_client.h"

namespace matrix::admin {
namespace {

runtime::Network::Result send_once(runtime::OutgoingRequest request) {
    platform::EventLoop loop;
    platform::HttpClientOptions options;
    options.policy.reach = platform::Reach::Everything;
    platform::HttpClient client(loop, std::move(options));
    std::optional<runtime::Network::Result> answer;
    const auto pending = client.send(std::move(request), [&](runtime::Network::Result result) {
        answer = std::move(result);
        loop.stop();
    });
    loop.run();
    return *std::move(answer);
}

runtime::OutgoingRequest make_request(const RunningServer& server, ServerRequest asked) {
    runtime::OutgoingRequest request;
    request.destination.host = server.address.ip;
    request.destination.port = server.address.port;
    request.destination.is_encrypted = false;
    request.destination.host_header = to_string(server.address);
    request.destination.trust = runtime::AddressTrust::Appointed;
    request.message.method = std::move(asked.method);
    request.message.target = std::move(asked.target);
    request.message.headers = {{"Authorization", "Bearer " + server.token}};
    if (!asked.body.empty()) request.message.headers.add("Content-Type", "application/json");
    request.message.body = std::move(asked.body);
    request.timeout = asked.timeout;
    request.body_bytes_max = asked.answer_bytes_max;
    return request;
}

std::string why_refused(const runtime::HttpResponse& response) {
    const auto body = json::parse(response.body, json::Numbers::Any);
    const std::string* error = body ? body->find_string("error") : nullptr;
    std::string why = "the server refuses (" + std::to_string(response.status) + ")";
    if (error != nullptr) why += ": " + *error;
    if (response.status == 401 || response.status == 403) {
        why = "--token: " + why +
              "; expected the admin_token of the server's ready line, or an "
              "administrator's token";
    }
    return why;
}

}  // namespace

std::expected<std::string, std::string> ask_server(const RunningServer& server,
                                                   ServerRequest request) {
    auto response = send_once(make_request(server, std::move(request)));
    if (!response) {
        return std::unexpected("--url: no answer from " + to_string(server.address) + ": " +
                               response.error().what);
    }
    if (response->status != 200) return std::unexpected(why_refused(*response));
    return std::move(response->body);
}

std::expected<json::Object, std::string> ask_for_object(const RunningServer& server,
                                                        ServerRequest request) {
    ASSIGN_OR_RETURN(const std::string body, ask_server(server, std::move(request)));
    auto value = json::parse(body, json::Numbers::Any);
    json::Object* object = value ? value->if_object() : nullptr;
    if (object == nullptr) {
        return std::unexpected("--url: " + to_string(server.address) + " is no refserver");
    }
    return std::move(*object);
}

}  // namespace matrix::admin
