// `simulator merge`: record files as one, and the table of what they hold.

#include <cstdio>
#include <fstream>

#include "conformance/records/lines.h"
#include "simulator/commands/commands.h"
#include "simulator/commands/files.h"
#include "simulator/sweep/table.h"

namespace matrix::simulator {

ExitCode execute(const MergeCommand& command) {
    records::RecordLines lines;
    for (const std::string& name : command.files) {
        std::ifstream in(name, std::ios::binary);
        if (!in) {
            std::fprintf(stderr, "%s: cannot be read\n", name.c_str());
            return ExitCode::Usage;
        }
        const auto warnings = records::read_lines(lines, in, name);
        if (!warnings) {
            std::fprintf(stderr, "%s\n", warnings.error().c_str());
            return ExitCode::Usage;
        }
        for (const std::string& warning : *warnings)
            std::fprintf(stderr, "%s\n", warning.c_str());
    }
    std::string text;
    for (const auto& [key, line] : lines)
        text += line + "\n";
    if (!write_output(command.output_file, text)) return ExitCode::Infrastructure;
    const auto seeds = seed_records_of(lines);
    // Records on standard output stay alone there.
    if (!seeds.empty() && !command.output_file.empty())
        std::fputs(to_text(tabulate(seeds)).c_str(), stdout);
    return ExitCode::Passed;
}

}  // namespace matrix::simulator
