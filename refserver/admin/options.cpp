#include "refserver/admin/options.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "refserver/admin/inspect.h"

namespace matrix::admin {
namespace {

constexpr const char* kFsckFooter =
    R"(Reads a folder that no server uses, or a snapshot, and changes nothing in it. Each breach is a line:
its name (they are listed in refserver/admin/README.md), room, event, what was expected, what was found.

Exit codes: 0 clean; 1 there are breaches; 2 a wrong flag, or the folder cannot be read.)";

constexpr const char* kSnapshotFooter =
    R"(The server copies its database as of now, while it goes on (one without --data waits). TO is then a
complete data folder, for --data, fsck and restore; its files hold the server's key. It is there as a
whole or not at all.

Exit codes: 0 done; 1 the server does not answer or refuses; 2 a wrong flag, or TO cannot be made.)";

constexpr const char* kForkFooter =
    R"(Makes a snapshot and prints the command that starts a second server on it beside the original, on a
free port. That server has the same name, key, users and tokens, and waiting transactions for other
servers; so the command lets it connect to nobody. Add --development or other flags at will; with a
certificate also --federation-listen 127.0.0.1:0.

Exit codes: 0 done; 1 the server does not answer or refuses; 2 a wrong flag, or TO cannot be made.)";

constexpr const char* kInspectFooter =
    R"(
EVENT, ROOM and USER are ids, as they are: they are escaped here. `event` tells by which rule an event
was refused, and makes each check again with the events that it looks at. `graph` writes one HTML file
that needs nothing else.

Exit codes: 0 done; 1 the server does not answer or refuses (there is no such room, for example); 2 a
wrong flag, or FILE cannot be written.)";

constexpr const char* kRestoreFooter =
    R"(SNAPSHOT is also the folder of a server that has stopped; it is not changed. Its database must have
the schema version of this program. The new folder is there as a whole or not at all.

Exit codes: 0 done; 1 --check has found breaches; 2 a wrong flag, SNAPSHOT cannot be read, or FOLDER
cannot be made.)";

/// Of one page, which a browser has to show.
constexpr std::size_t kGraphEventsMax = 1000;

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kLocalhost = "localhost:";

// The command runs where the server does, so no names are looked up and nothing is encrypted.
std::expected<platform::SocketAddress, std::string> parse_url(std::string_view text) {
    if (!text.starts_with(kScheme)) {
        return std::unexpected("expected the url of the server's ready line, http://ADDRESS:PORT");
    }
    text.remove_prefix(kScheme.size());
    if (text.ends_with('/')) text.remove_suffix(1);
    std::string address(text);
    if (text.starts_with(kLocalhost)) {
        address = "127.0.0.1:" + std::string(text.substr(kLocalhost.size()));
    }
    return platform::parse_socket_address(address);
}

std::string check_url(const std::string& text) {
    const auto address = parse_url(text);
    return address ? "" : address.error();
}

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

void declare_server(CLI::App& app, std::string& url, RunningServer& server) {
    app.add_option("--url", url, "The running server's plain listener")
        ->type_name("URL")
        ->required()
        ->check(CLI::Validator(check_url, ""));
    app.add_option("--token", server.token, "Its admin_token, or an administrator's token")
        ->type_name("TOKEN")
        ->required()
        ->envname("REFSERVER_TOKEN");
}

std::expected<SnapshotCommand, Refusal> parse_copying(CLI::App& app,
                                                      std::vector<std::string> arguments) {
    SnapshotCommand command;
    std::string url;
    declare_server(app, url, command.server);
    app.add_option("TO", command.to, "The folder, which is made")->required();
    if (auto refusal = parse_command(app, std::move(arguments))) {
        return std::unexpected(*std::move(refusal));
    }
    command.server.address = parse_url(url).value();
    return command;
}

Refusal refuse_inspect(const std::string& why) {
    return {2, "refserver inspect: " + why + "; see refserver inspect --help\n"};
}

// What the view needs, and nothing else.
std::optional<Refusal> check_inspect(const InspectCommand& command) {
    const InspectView* view = find_view(command.what);
    if (view == nullptr) return refuse_inspect("WHAT: there is no \"" + command.what + "\"");
    if (command.arguments.size() != view->arguments.size()) {
        std::string wanted;
        for (const std::string_view argument : view->arguments)
            wanted += " " + std::string(argument);
        return refuse_inspect(command.what + ": expected" +
                              (wanted.empty() ? " nothing behind it" : wanted));
    }
    const bool is_graph = command.what == "graph";
    if (is_graph && command.out.empty()) return refuse_inspect("graph: expected --out FILE");
    if (!is_graph && !command.out.empty()) return refuse_inspect("--out: only of graph");
    if (is_graph && command.limit > kGraphEventsMax) {
        return refuse_inspect("--limit: of graph expected at most " +
                              std::to_string(kGraphEventsMax));
    }
    if (!command.when.empty() && command.what != "state") {
        return refuse_inspect("--when: only of state");
    }
    if (!command.from.empty() && command.what != "events" && !is_graph) {
        return refuse_inspect("--from: only of events and graph");
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

std::expected<InspectCommand, Refusal> parse_inspect(std::vector<std::string> arguments) {
    InspectCommand command;
    std::string url;
    const std::string footer = "What there is to see:\n" + list_views() + kInspectFooter;
    const auto app = make_command("Looks into a running server.", "inspect", footer.c_str());
    declare_server(*app, url, command.server);
    app->add_option("WHAT", command.what, "One of those below")->required();
    app->add_option("ARGUMENTS", command.arguments, "What it is about: ids, or a server's name");
    app->add_flag("--json", command.wants_json, "The server's answer, all pages as one object");
    app->add_option("--limit", command.limit, "Of what is listed [1000; graph: 200, at most 1000]")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    app->add_option("--from", command.from, "The graph back from EVENT. May be repeated")
        ->type_name("EVENT")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_option("--when", command.when, "The state before the event, or after [before]")
        ->check(CLI::IsMember({"before", "after"}));
    app->add_option("--out", command.out, "The page that graph writes")->type_name("FILE");
    if (auto refusal = parse_command(*app, std::move(arguments))) {
        return std::unexpected(*std::move(refusal));
    }
    if (auto refusal = check_inspect(command)) return std::unexpected(*std::move(refusal));
    if (command.limit == 0) command.limit = command.what == "graph" ? 200 : 1000;
    command.server.address = parse_url(url).value();
    return command;
}

std::expected<SnapshotCommand, Refusal> parse_snapshot(std::vector<std::string> arguments) {
    const auto app = make_command("Copies a running server.", "snapshot", kSnapshotFooter);
    return parse_copying(*app, std::move(arguments));
}

std::expected<SnapshotCommand, Refusal> parse_fork(std::vector<std::string> arguments) {
    const auto app =
        make_command("Copies a running server, to run the copy beside it.", "fork", kForkFooter);
    return parse_copying(*app, std::move(arguments));
}

std::expected<RestoreCommand, Refusal> parse_restore(std::vector<std::string> arguments) {
    RestoreCommand command;
    const auto app =
        make_command("Makes a data folder from a snapshot.", "restore", kRestoreFooter);
    app->add_option("SNAPSHOT", command.snapshot, "The folder of a snapshot")->required();
    app->add_option("--data", command.data, "The folder, which is made")
        ->type_name("FOLDER")
        ->required();
    app->add_flag("--check", command.wants_check, "Verifies the snapshot before, as fsck does");
    if (auto refusal = parse_command(*app, std::move(arguments))) {
        return std::unexpected(*std::move(refusal));
    }
    return command;
}

}  // namespace matrix::admin
