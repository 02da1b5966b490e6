// What came back for an HTTP request, printed so that a failure explains itself.
#pragma once

#include <chrono>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace matrix::conformance {

using Json = nlohmann::json;

struct Header {
    std::string name;
    std::string value;
};
using Headers = std::vector<Header>;
/// The first header of this name, in any case; null if there is none.
const std::string* find_header(const Headers& headers, std::string_view name);

struct Response {
    int status = 0;       ///< 0 when there was no answer; `failure` says why.
    std::string failure;  ///< Of the transport: "timed out after 10 s"; empty if all is well.
    Headers headers;
    std::string text;  ///< The body as it came.
    bool is_json = false;
    Json body;            ///< The body parsed; null when it is no JSON.
    std::string errcode;  ///< The body's `errcode`, empty if it has none.
    std::chrono::milliseconds duration{0};

    bool is_ok() const { return status == 200; }
    /// 400 to 599, from a server that answered.
    bool is_error() const { return status >= 400; }
    const std::string* find_header(std::string_view name) const;
    /// The value at a path of object keys, null if any is missing: `at({"rooms", "join", id})`.
    const Json& at(std::initializer_list<std::string_view> path) const;
};
std::ostream& operator<<(std::ostream& out, const Response& response);

/// The value at a path of object keys; null where something is missing or no object.
const Json& at_path(const Json& value, std::initializer_list<std::string_view> path);
/// The string at `path`, empty if there is none.
std::string string_at(const Json& value, std::initializer_list<std::string_view> path);

// For EXPECT_TRUE: the failure shows the whole response.

testing::AssertionResult has_status(const Response& response, int status);
/// The status and the body's `errcode`.
testing::AssertionResult is_error(const Response& response, int status, std::string_view errcode);
/// Any error status with this `errcode`.
testing::AssertionResult is_error(const Response& response, std::string_view errcode);

/// Makes text one segment of a path or one value of a query: everything but unreserved is `%XX`.
std::string escape(std::string_view text);

}  // namespace matrix::conformance
