// The report of a test run as one HTML page: failures first, filterable, exchanges folded.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace matrix::pages {

struct ReportExchange {
    std::string title;    ///< "client: GET http://..."
    std::string answer;   ///< "200 in 3 ms"
    std::string request;  ///< Headers and body as text.
    std::string response;
};

struct ReportCase {
    std::string id;
    std::string outcome;  ///< "passed", "failed", "warned", "skipped", "crashed".
    std::string level;
    std::string sentence;
    std::string place;  ///< URL.
    std::string reason;
    std::string repeat;
    std::int64_t duration_ms = 0;
    std::vector<std::pair<std::string, std::string>> findings;  ///< Where and what.
    std::vector<ReportExchange> exchanges;
};

struct Report {
    std::string title;
    std::vector<std::pair<std::string, std::string>> facts;  ///< Name and value, as text.
    std::vector<ReportCase> cases;  ///< Shown by outcome, then in this order.
};

std::string report_page(const Report& report);

}  // namespace matrix::pages
