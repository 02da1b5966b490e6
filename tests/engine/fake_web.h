// FakeWeb: web servers of which only the pages exist that the test says; every request is recorded.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "refserver/runtime/network.h"

namespace matrix::engine {

class FakeWeb : public runtime::Network {
public:
    /// Pages by URL, as the request asks for it: "https://" + `Host` + target. All else is 404.
    std::map<std::string, runtime::HttpResponse> pages;
    /// What happens to connections to these addresses.
    std::map<std::string, runtime::NetworkErrorKind> broken_addresses;
    std::vector<runtime::OutgoingRequest> requests;

    /// A page that delegates to `name`.
    void put_delegation(const std::string& host, const std::string& name) {
        put_well_known(host, {200, {}, R"({"m.server":")" + name + R"("})"});
    }
    void put_well_known(const std::string& host, runtime::HttpResponse response) {
        pages["https://" + host + "/.well-known/matrix/server"] = std::move(response);
    }
    void put_redirect(const std::string& url, const std::string& location) {
        pages[url] = {302, {{"Location", location}}, ""};
    }
    std::vector<std::string> urls() const {
        std::vector<std::string> urls;
        for (const auto& request : requests)
            urls.push_back(url_of(request));
        return urls;
    }

    runtime::Pending send(runtime::OutgoingRequest request,
                          std::move_only_function<void(Result)> done) override {
        requests.push_back(request);
        const auto broken = broken_addresses.find(request.destination.connect_to());
        const auto page = pages.find(url_of(request));
        if (broken != broken_addresses.end()) {
            done(std::unexpected(runtime::NetworkError{broken->second, "as the test says"}));
        } else if (page != pages.end() && page->second.body.size() > request.body_bytes_max) {
            done(std::unexpected(
                runtime::NetworkError{runtime::NetworkErrorKind::TooLarge, "as the test says"}));
        } else {
            done(page != pages.end() ? page->second : runtime::HttpResponse{404, {}, "{}"});
        }
        return {};
    }

private:
    static std::string url_of(const runtime::OutgoingRequest& request) {
        return "https://" + request.destination.host_header + request.message.target;
    }
};

}  // namespace matrix::engine
