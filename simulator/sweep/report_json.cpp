#include "simulator/sweep/report_json.h"

namespace matrix::simulator {

json::Object write_counts(const std::map<std::string, std::uint64_t>& counts) {
    json::Object object;
    for (const auto& [name, count] : counts)
        object.set(name, static_cast<std::int64_t>(count));
    return object;
}

json::Array write_findings(const std::vector<Finding>& findings) {
    json::Array array;
    for (const Finding& finding : findings) {
        array.emplace_back(json::Object{
            {"at_us", finding.at_us}, {"checker", finding.checker}, {"what", finding.what}});
    }
    return array;
}

json::Array write_names(const std::vector<std::string>& names) {
    json::Array array;
    for (const std::string& name : names)
        array.emplace_back(name);
    return array;
}

}  // namespace matrix::simulator
