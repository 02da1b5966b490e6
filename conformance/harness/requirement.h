// What a conformance test declares: its id, the sentence of the specification that it checks, and
// what it needs from the server under test. Nothing here runs anything.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace matrix::conformance {

/// How binding the sentence is (RFC 2119). Only a failing MUST makes the run fail.
enum class Level { Must, Should, May };
std::string_view name_of(Level level);  ///< "MUST", "SHOULD", "MAY".
std::ostream& operator<<(std::ostream& out, Level level);

/// What a test needs and not every target or machine offers.
enum class Capability {
    Users,             ///< The suite can make accounts, in whatever way.
    OpenRegistration,  ///< Anybody can register over the client API with `m.login.dummy`.
    Federation,        ///< The suite's peer and the target reach each other over TLS.
    SeveralPeers,      ///< The suite may listen on further ports (not with a fixed --peer-name).
};
std::string_view name_of(Capability capability);

/// One row of a test that runs once for each of several inputs.
struct Row {
    std::string name;          ///< `a-z0-9_.-`; the row's id is `area/module/slug#name`.
    std::string text;          ///< A sentence of its own; empty: the test's.
    std::string room_version;  ///< Skipped unless the target supports it; empty: any.

    Row(std::string name_, std::string text_ = "", std::string room_version_ = "")
        : name(std::move(name_)), text(std::move(text_)), room_version(std::move(room_version_)) {}
    Row(const char* name_) : name(name_) {}
};

/// A sentence of the specification, as the declaration of a test. Members are given by name.
struct Requirement {
    std::string_view
        id;  ///< `area/module/slug`, for ever: `ss/send_join/state-is-before-the-join`.
    Level level = Level::Must;
    std::string_view place;  ///< Page and anchor: `client-server-api/#syncing`.
    std::string_view text;   ///< The sentence, in our words or the spec's, one line.
    /// The first version of the spec that says so; skipped where the target claims only older ones.
    std::string_view since = "v1.1";
    std::vector<Capability> needs = {};  ///< Beyond those of the fixture.
    std::vector<Row> rows = {};          ///< Empty: the test runs once.
};

/// The whole address of `requirement.place`, in the version that the suite follows.
std::string spec_url(std::string_view place);
inline constexpr std::string_view kSpecVersion = "v1.19";

/// All that the specification has, from `first` on.
std::vector<std::string> list_room_versions(int first = 1);
/// One row for each room version, skipped where the target does not support it: "v1", "v2" and so
/// on. In the test, `room_version()` is the number.
std::vector<Row> room_version_rows(std::vector<std::string> versions = list_room_versions());
/// The same for what needs knocking, which room version 7 brought.
std::vector<Row> knock_version_rows();

/// The rows of a table whose elements have a `name`, and perhaps a `text`.
template <class Table>
std::vector<Row> rows_of(const Table& table) {
    std::vector<Row> rows;
    for (const auto& row : table) {
        if constexpr (requires { row.text; }) {
            rows.emplace_back(std::string(row.name), std::string(row.text));
        } else {
            rows.emplace_back(std::string(row.name));
        }
    }
    return rows;
}

}  // namespace matrix::conformance
