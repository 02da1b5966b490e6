#include "refserver/admin/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/admin/fsck.h"
#include "refserver/admin/inspect.h"
#include "refserver/admin/options.h"
#include "refserver/admin/restore.h"
#include "refserver/admin/snapshot.h"

namespace matrix::admin {
namespace {

struct AdminCommand {
    std::string_view name;
    std::string_view about;
    int (*run)(std::vector<std::string> arguments);
};

int end_with(const Refusal& refusal) {
    std::fputs(refusal.text.c_str(), refusal.code == 0 ? stdout : stderr);
    return refusal.code;
}

template <auto kParse, auto kRun>
int start(std::vector<std::string> arguments) {
    const auto command = kParse(std::move(arguments));
    return command ? kRun(*command) : end_with(command.error());
}

constexpr std::array kAdminCommands{
    AdminCommand{"fsck", "Verifies a server's database anew", start<parse_fsck, run_fsck>},
    AdminCommand{"inspect", "Looks into a running server", start<parse_inspect, run_inspect>},
    AdminCommand{"snapshot", "Copies a running server", start<parse_snapshot, run_snapshot>},
    AdminCommand{"restore", "Makes a data folder from a copy", start<parse_restore, run_restore>},
    AdminCommand{"fork", "Copies a running server, to run beside it", start<parse_fork, run_fork>},
};

}  // namespace

std::optional<int> run_command(int count, const char* const* arguments) {
    if (count < 2) return std::nullopt;
    const auto* const command =
        std::ranges::find(kAdminCommands, std::string_view(arguments[1]), &AdminCommand::name);
    if (command == kAdminCommands.end()) return std::nullopt;
    return command->run({arguments + 2, arguments + count});
}

std::string list_commands() {
    std::string text;
    for (const AdminCommand& command : kAdminCommands) {
        std::string name(command.name);
        name.resize(10, ' ');
        text += "  " + name + std::string(command.about) + '\n';
    }
    return text;
}

}  // namespace matrix::admin
