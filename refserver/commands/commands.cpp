#include "refserver/commands/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/commands/adapter.h"
#include "refserver/commands/check.h"
#include "refserver/commands/options.h"
#include "refserver/commands/resolve.h"

namespace matrix::commands {
namespace {

struct Command {
    std::string_view name;
    std::string_view about;
    int (*run)(std::vector<std::string> arguments);
};

int end_early(const EarlyEnd& end) {
    std::fputs(end.text.c_str(), end.code == 0 ? stdout : stderr);
    return end.code;
}

int start_resolve(std::vector<std::string> arguments) {
    const auto options = parse_resolve_options(std::move(arguments));
    return options ? static_cast<int>(run_resolve(*options)) : end_early(options.error());
}

int start_check(std::vector<std::string> arguments) {
    const auto options = parse_check_options(std::move(arguments));
    return options ? static_cast<int>(run_check(*options)) : end_early(options.error());
}

int start_adapter(std::vector<std::string> arguments) {
    const auto options = parse_adapter_options(std::move(arguments));
    return options ? static_cast<int>(run_adapter()) : end_early(options.error());
}

constexpr std::array<Command, 3> kCommands = {
    {{"resolve", "Resolves states of a room, and says why", start_resolve},
     {"check", "Checks every event of a room as a server does on receipt", start_check},
     {"adapter",
      "Answers a driver that compares implementations, over JSON lines",
      start_adapter}}};

}  // namespace

std::optional<int> run_command(int count, const char* const* arguments) {
    if (count < 2) return std::nullopt;
    const auto command =
        std::ranges::find(kCommands, std::string_view(arguments[1]), &Command::name);
    if (command == kCommands.end()) return std::nullopt;
    return command->run({arguments + 2, arguments + count});
}

std::string list_commands() {
    std::string text = "Commands (each explains itself by --help):\n";
    for (const Command& command : kCommands) {
        std::string name(command.name);
        name.resize(10, ' ');
        text += "  " + name + std::string(command.about) + '\n';
    }
    return text;
}

}  // namespace matrix::commands
