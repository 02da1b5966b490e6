#include "conformance/harness/requirement.h"

#include "refserver/base/assert.h"

namespace matrix::conformance {

std::string_view name_of(Level level) {
    switch (level) {
        case Level::Must:
            return "MUST";
        case Level::Should:
            return "SHOULD";
        case Level::May:
            return "MAY";
    }
    unreachable();
}
std::ostream& operator<<(std::ostream& out, Level level) {
    return out << name_of(level);
}

std::string_view name_of(Capability capability) {
    switch (capability) {
        case Capability::Users:
            return "users";
        case Capability::OpenRegistration:
            return "open registration";
        case Capability::Federation:
            return "federation";
        case Capability::SeveralPeers:
            return "several peers";
    }
    unreachable();
}

std::string spec_url(std::string_view place) {
    return "https://spec.matrix.org/" + std::string(kSpecVersion) + "/" + std::string(place);
}

std::vector<Row> room_version_rows(std::vector<std::string> versions) {
    std::vector<Row> rows;
    for (const std::string& version : versions)
        rows.emplace_back("v" + version, "", version);
    return rows;
}

std::vector<std::string> list_room_versions(int first) {
    constexpr int kNewest = 12;
    std::vector<std::string> versions;
    for (int version = first; version <= kNewest; ++version)
        versions.push_back(std::to_string(version));
    return versions;
}

std::vector<Row> knock_version_rows() {
    constexpr int kFirst = 7;
    return room_version_rows(list_room_versions(kFirst));
}

}  // namespace matrix::conformance
