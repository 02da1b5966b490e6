#include "conformance/harness/exchange_log.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "conformance/harness/response.h"

namespace matrix::conformance {
namespace {

constexpr std::size_t kExchangesMax = 200;
constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr std::string_view kMask = "<masked>";
constexpr std::array<std::string_view, 6> kSecretKeys = {
    "access_token", "refresh_token", "password", "new_password", "login_token", "mac"};

void cut(std::string& body) {
    if (body.size() <= kBodyBytesMax) return;
    const std::size_t size = body.size();
    body.resize(kBodyBytesMax);
    body += "... (" + std::to_string(size) + " bytes)";
}

// X-Matrix signatures stay: they are no secrets, and what a report is about.
void mask_headers(std::vector<std::pair<std::string, std::string>>& headers) {
    for (auto& [name, value] : headers) {
        std::string lower = name;
        std::ranges::transform(
            lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
        const bool is_x_matrix = value.starts_with("X-Matrix");
        if (lower == "authorization" && !is_x_matrix) value = kMask;
    }
}

void mask_query(std::string& url) {
    for (const std::string_view key : kSecretKeys) {
        const std::string assignment = std::string(key) + "=";
        for (std::size_t at = url.find(assignment); at != std::string::npos;
             at = url.find(assignment, at + 1)) {
            if (at > 0 && url[at - 1] != '?' && url[at - 1] != '&') continue;
            const std::size_t begin = at + assignment.size();
            const std::size_t end = std::min(url.find_first_of("& \"\n", begin), url.size());
            url.replace(begin, end - begin, kMask);
        }
    }
}

// Textual, so that a body stays as it came: also one that is no JSON.
void mask_body(std::string& body) {
    for (const std::string_view key : kSecretKeys) {
        const std::string quoted = '"' + std::string(key) + '"';
        for (std::size_t at = body.find(quoted); at != std::string::npos;
             at = body.find(quoted, at + 1)) {
            std::size_t begin = body.find_first_not_of(" \t\r\n", at + quoted.size());
            if (begin == std::string::npos || body[begin] != ':') continue;
            begin = body.find_first_not_of(" \t\r\n", begin + 1);
            if (begin == std::string::npos || body[begin] != '"') continue;
            std::size_t end = begin + 1;
            while (end < body.size() && body[end] != '"')
                end += body[end] == '\\' ? 2 : 1;
            end = std::min(end, body.size());
            body.replace(begin + 1, end - begin - 1, kMask);
        }
    }
}

}  // namespace

void ExchangeLog::add(records::Exchange exchange) {
    exchange = mask_secrets(std::move(exchange));
    cut(exchange.request_body);
    cut(exchange.response_body);
    const std::lock_guard lock(mutex_);
    if (exchanges_.size() == kExchangesMax) {
        ++dropped_count_;
        return;
    }
    exchanges_.push_back(std::move(exchange));
}

std::vector<records::Exchange> ExchangeLog::take() {
    const std::lock_guard lock(mutex_);
    std::vector<records::Exchange> taken = std::exchange(exchanges_, {});
    if (const std::size_t dropped = std::exchange(dropped_count_, 0); dropped != 0) {
        taken.back().failure += " (" + std::to_string(dropped) + " later exchanges are left out)";
    }
    return taken;
}

records::Exchange mask_secrets(records::Exchange exchange) {
    mask_headers(exchange.request_headers);
    mask_headers(exchange.response_headers);
    mask_query(exchange.url);
    mask_body(exchange.request_body);
    mask_body(exchange.response_body);
    return exchange;
}

std::string mask_secrets(std::string text) {
    mask_query(text);
    mask_body(text);
    return text;
}

}  // namespace matrix::conformance
