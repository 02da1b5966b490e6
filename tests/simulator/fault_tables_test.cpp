// The READMEs of faults and Byzantine hosts say what the tables say.

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

std::string read_readmes() {
    std::ostringstream text;
    for (const char* folder : {"faults", "byzantine"}) {
        std::ifstream file(std::string(SIMULATOR_FOLDER "/") + folder + "/README.md");
        text << file.rdbuf();
    }
    return text.str();
}

std::string row_of(const Verb& verb) {
    std::string row = "| `" + std::string(verb.name) + "` | " + std::string(verb.meaning) + " | ";
    for (const Parameter& parameter : verb.parameters) {
        if (&parameter != verb.parameters.data()) row += "<br>";
        row += describe(parameter);
    }
    return row + " |\n";
}

std::string row_of(const Disturbance& disturbance) {
    return "| `" + std::string(disturbance.name) + "` | " + std::string(disturbance.meaning) +
           " | " + std::to_string(disturbance.percent) + " % |\n";
}

template <class Table>
void expect_rows(const Table& table) {
    const std::string readme = read_readmes();
    ASSERT_FALSE(readme.empty()) << SIMULATOR_FOLDER;
    for (const auto& entry : table) {
        const std::string row = row_of(entry);
        EXPECT_NE(readme.find(row), std::string::npos) << "missing in the README:\n" << row;
    }
}

TEST(FaultTables, AreInTheReadme) {
    expect_rows(fault_verbs());
    expect_rows(byzantine_verbs());
    expect_rows(all_disturbances());
}

}  // namespace
}  // namespace matrix::simulator
