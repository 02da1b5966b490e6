#include "refserver/admin/options.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

namespace matrix::admin {
namespace {

constexpr const char* kFsckFooter =
    R"(Reads a folder that no server uses, or a snapshot, and changes nothing in it. Each breach is a line:
its name (they are listed in refserver/admin/README.md), room, event, what was expected, what was found.

Exit codes: 0 clean; 1 there are breaches; 2 a wrong flag, or the folder cannot be read.)";

std::unique_ptr<CLI::App> make_command(const char* about,
                                       const std::string& name,
                                       const char* footer) {
    auto app = std::make_unique<CLI::App>(about, "refserver " + name);
    app->footer(footer);
    app->get_formatter()->column_width(28);
    return app;
}

std::optional<Refusal> parse_command(CLI::App& app, std::vector<std::string> arguments) {
    try {
        std::ranges::reverse(arguments);  // CLI11 takes them from the end.
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        const int code = app.exit(error, out, out);
        return Refusal{code == 0 ? 0 : 2, out.str()};
    }
    return std::nullopt;
}

}  // namespace

std::expected<FsckCommand, Refusal> parse_fsck(std::vector<std::string> arguments) {
    FsckCommand command;
    const auto app = make_command("Verifies a server's database anew.", "fsck", kFsckFooter);
    app->add_option("--data", command.data, "The folder")->type_name("FOLDER")->required();
    app->add_flag(
        "--json", command.wants_json, "Each breach, and at last a summary, as JSON lines");
    app->add_flag("--quiet", command.is_quiet, "No progress on standard error");
    if (auto refusal = parse_command(*app, std::move(arguments))) {
        return std::unexpected(*std::move(refusal));
    }
    return command;
}

}  // namespace matrix::admin
