// `conformance list`: what there is, without a server.

#include <iostream>
#include <set>

#include "conformance/harness/response.h"
#include "conformance/harness/run.h"

namespace matrix::conformance {
namespace {

Json describe(const Case& one) {
    const Requirement& requirement = one.requirement();
    Json needs = Json::array();
    for (const Capability capability : one.needs())
        needs.push_back(name_of(capability));
    return {{"id", one.id()},
            {"test", requirement.id},
            {"row", one.row() == nullptr ? Json() : Json(one.row()->name)},
            {"level", name_of(requirement.level)},
            {"place", spec_url(requirement.place)},
            {"since", requirement.since},
            {"requirement", one.text()},
            {"needs", std::move(needs)}};
}

}  // namespace

ExitCode list_tests(const SelectionOptions& selection, ListFormat format) {
    const auto cases = select_cases(selection);
    if (!cases) {
        std::cerr << "conformance: " << cases.error() << "\n";
        return ExitCode::Usage;
    }
    if (format == ListFormat::Json) {
        Json list = Json::array();
        for (const Case& one : *cases)
            list.push_back(describe(one));
        std::cout << list.dump(2) << "\n";
        return ExitCode::Success;
    }
    std::set<std::string_view> tests;
    std::size_t row_count = 0;
    for (const Case& one : *cases) {
        tests.insert(one.requirement().id);
        if (one.row() != nullptr) ++row_count;
        std::cout << name_of(one.requirement().level) << "\t" << one.id() << "\t" << one.text()
                  << "\n";
    }
    std::cout << tests.size() << " tests, " << row_count << " rows\n";
    return ExitCode::Success;
}

}  // namespace matrix::conformance
