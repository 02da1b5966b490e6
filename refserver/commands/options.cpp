// The only file of the commands that includes CLI11.

#include "refserver/commands/options.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

#include "refserver/base/assert.h"
#include "refserver/protocol/room_rules.h"

namespace matrix::commands {
namespace {

constexpr const char* kFormats =
    R"(Input (- is standard input; the form is found out, or said by --format):
  ndjson       a PDU a line; lines without "type" may say
               {"room_version":"11"}, {"state_set":[ids...]}, {"rejected":[ids...]}
  array        one JSON array of PDUs
  room         {"room_version","events":[...],"state_sets":[[ids...]...],"rejected":[ids...]}
  state        an answer of /state, /event_auth or /send_join
  transaction  an answer of /backfill or /get_missing_events, or a body of /send
  vectors      a file of fixtures/vectors with "cases"
An event with "event_id" (in room versions 1 and 2: without "hashes") is taken as it is told: its
id may be any text that begins with "$", and hashes, signatures, prev_events, depth may be missing.
In a set, {"event_id","type","state_key"} stands for an event that is not given.)";

constexpr const char* kResolveFooter = R"(State sets, in this order of preference:
  --state-set FILE   one set a file: ids a line, a JSON array of ids, or an answer of /state_ids
  in the files       `state_sets` or `state_set`; each answer of /state or /send_join is one set
  --before EVENT     the states after the event's prev_events
  nothing            the states after the room's forward extremities

Examples:
  refserver resolve room.ndjson
      what the room's state is, if all branches of the file meet
  refserver resolve --explain --before '$merge' room.ndjson
      each step of the resolution at one event, with the deciding rule
  refserver resolve here.json there.json
      two answers of /state: what a server makes of them
  refserver resolve --quirk inclusive-chains --implementation both room.ndjson
      does a known behaviour of other servers change the result?
  refserver resolve --html room.html room.ndjson
      a page to step through the resolution

Exit codes:
  0  resolved (and as the vectors expect, or equal in both implementations)
  1  the implementations differ, or a vector expects another result
  2  wrong usage, or a file cannot be read or written
  3  malformed input; nothing was resolved)";

constexpr const char* kCheckFooter =
    R"(The checks are those on receipt of a PDU (server-server API):
  1 format and sizes, and the id if the file says one      else the event is dropped
  2 signatures of all servers that must sign               else it is dropped
  3 content hash                                           else it is redacted, and goes on
  4 authorization by its auth events                       else it is rejected
  5 authorization by the state before it                   else it is rejected
  6 authorization by the current state, as if it came last else it is soft-failed
  7 signature of the policy server, if the room uses one   else it is soft-failed
Each event is judged alone: the order of lines plays no part. Checks 5 to 7 need all prev_events
back to the create event in the file. Without keys of a server its signatures must be there, but are
not verified; the key of a policy server stands in m.room.policy.

Keys (--keys): lines "server_name key_id base64_key [valid_until_ts]", or an answer of
/_matrix/key/v2/server or /_matrix/key/v2/query.

Examples:
  refserver check room.ndjson
  refserver check --keys keys.txt --complete room.ndjson
  curl -s https://example.org/_matrix/key/v2/server | refserver check --keys - room.ndjson
  refserver check --json answer-of-send-join.json

Exit codes:
  0  no breach
  1  some event is dropped, redacted, rejected or soft-failed; with --complete also if something
     could not be checked
  2  wrong usage, or a file cannot be read
  3  malformed input: not even a list of events)";

constexpr const char* kAdapterFooter =
    R"(One request a line on standard input, one answer a line on standard output:
  {"id":1,"op":"hello"}
  {"id":1,"result":{"name":"touchstone","protocol":1,...}}
  {"id":2,"op":"event_id","room_version":"11","event":{...}}
  {"id":2,"error":{"class":"malformed","field":"...","message":"..."}}
Operations: hello canonical_json parse_pdu content_hash event_id redact sign verify auth_types auth
resolve reset. Classes of errors: rejected malformed unsupported crash. A bad line gets an error and
the session goes on. The schema of requests and answers is fixtures/schemas/adapter.json.

Example:
  echo '{"id":1,"op":"canonical_json","value":{"b":1,"a":2}}' | refserver adapter

Exit codes:
  0  standard input ended
  2  wrong usage, or nobody reads the answers)";

using CLI::Validator;

std::string check_format(const std::string& name) {
    if (find_format(name)) return "";
    return "\"" + name + "\" is none of ndjson, array, room, state, transaction, vectors";
}

/// Flags that mean something else once they are looked at.
struct RawInput {
    std::string format;
    std::vector<std::string> room_version_files;
};

void declare_input(CLI::App& app, InputOptions& input, RawInput& raw) {
    app.add_option("FILE", input.files, "Events of one room; - is standard input");
    app.add_option("--room-version",
                   input.room_version,
                   "Of the room [what the files say, else their create event]")
        ->type_name("VERSION");
    app.add_option(
           "--room-version-file",
           raw.room_version_files,
           "A room version as YAML: see fixtures/room_versions; repeat it. One alone is that of "
           "the room too")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--format", raw.format, "Of the files [found out]")
        ->type_name("FORMAT")
        ->check(Validator(check_format, ""));
}

std::unique_ptr<CLI::App> make_app(const char* about, const char* name, std::string footer) {
    auto app = std::make_unique<CLI::App>(about, name);
    app->footer(std::move(footer));
    app->get_formatter()->column_width(34);
    return app;
}

// CLI11 takes arguments in reverse.
std::optional<EarlyEnd> parse(CLI::App& app, std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        const bool is_wrong = app.exit(error, out, out) != 0;
        return EarlyEnd{is_wrong ? 2 : 0, out.str()};
    }
    return std::nullopt;
}

std::unexpected<EarlyEnd> refuse_usage(const CLI::App& app, const std::string& what) {
    return std::unexpected(EarlyEnd{
        2, what + "\nRun with --help for more information.\n" + "(" + app.get_name() + ")\n"});
}

// Standard input can be read once.
bool reads_input_twice(const InputOptions& input, const std::vector<std::string>& others) {
    return std::ranges::count(input.files, "-") + std::ranges::count(others, "-") > 1;
}

std::optional<FileFormat> format_of(const std::string& name) {
    if (name.empty()) return std::nullopt;
    return find_format(name);
}

// Takes over what the flags of the input say; else a sentence on what is wrong with them.
std::optional<std::string> finish_input(const RawInput& raw, InputOptions& input) {
    input.format = format_of(raw.format);
    auto registrations = versions::register_files(raw.room_version_files);
    if (!registrations) return "--room-version-file: " + registrations.error();
    input.room_versions = *std::move(registrations);
    if (!input.room_version && input.room_versions.size() == 1) {
        input.room_version = input.room_versions.front()->rules().version;
    }
    if (input.room_version && !find_room_rules(*input.room_version)) {
        return "--room-version: \"" + *input.room_version +
               "\" is not a room version from 1 to 12, nor that of a --room-version-file";
    }
    return std::nullopt;
}

}  // namespace

std::expected<ResolveOptions, EarlyEnd> parse_resolve_options(std::vector<std::string> arguments) {
    ResolveOptions options;
    RawInput raw;
    std::string implementation;
    const auto app = make_app("Resolves states of a room, and says why.",
                              "refserver resolve",
                              std::string(kFormats) + "\n\n" + kResolveFooter);
    declare_input(*app, options.input, raw);
    app->add_option("--state-set", options.state_sets, "A file with one of the states; repeat it")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_option(
           "--before", options.before, "Resolves the states after this event's prev_events")
        ->type_name("EVENT");
    app->add_option("--case", options.case_name, "Of a file of vectors: this case alone")
        ->type_name("NAME");
    app->add_option(
           "--implementation",
           implementation,
           "fast, oracle (the literal text; default with --quirk) or both, which must agree")
        ->check(CLI::IsMember({"fast", "oracle", "both"}));
    app->add_option("--quirk", options.quirks, "The oracle errs as others do; repeat it")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_flag("--list-quirks", options.lists_quirks, "Lists the quirks and who has them");
    app->add_flag("--explain", options.wants_explanation, "Prints each step with what decided");
    app->add_flag("--json", options.wants_json, "The result (and --explain) as one JSON object");
    app->add_option(
           "--html", options.html, "Writes a page to step through, which needs nothing else")
        ->type_name("FILE");
    if (auto end = parse(*app, std::move(arguments))) return std::unexpected(*std::move(end));
    if (auto wrong = finish_input(raw, options.input)) return refuse_usage(*app, *wrong);
    if (options.lists_quirks) return options;
    if (options.input.files.empty()) return refuse_usage(*app, "FILE is required");
    if (reads_input_twice(options.input, options.state_sets)) {
        return refuse_usage(*app, "- can be read once only");
    }
    if (implementation == "both") options.implementation = Implementation::Both;
    if (implementation == "oracle") options.implementation = Implementation::Oracle;
    if (!options.quirks.empty() && implementation.empty()) {
        options.implementation = Implementation::Oracle;
    }
    if (!options.quirks.empty() && implementation == "fast") {
        return refuse_usage(*app, "--quirk: only the oracle has quirks");
    }
    return options;
}

std::expected<CheckOptions, EarlyEnd> parse_check_options(std::vector<std::string> arguments) {
    CheckOptions options;
    RawInput raw;
    const auto app = make_app("Checks every event of a room as a server does on receipt.",
                              "refserver check",
                              std::string(kFormats) + "\n\n" + kCheckFooter);
    declare_input(*app, options.input, raw);
    app->add_option("--keys", options.keys, "Keys of servers; repeat it")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_flag("--all", options.wants_all, "Prints events without a breach too");
    app->add_flag("--json", options.wants_json, "Everything as one JSON object");
    app->add_flag("--complete",
                  options.must_be_complete,
                  "Fails if something could not be checked: a key or a cited event is missing");
    if (auto end = parse(*app, std::move(arguments))) return std::unexpected(*std::move(end));
    if (auto wrong = finish_input(raw, options.input)) return refuse_usage(*app, *wrong);
    if (options.input.files.empty()) return refuse_usage(*app, "FILE is required");
    if (reads_input_twice(options.input, options.keys)) {
        return refuse_usage(*app, "- can be read once only");
    }
    return options;
}

std::expected<AdapterOptions, EarlyEnd> parse_adapter_options(std::vector<std::string> arguments) {
    const auto app = make_app("Answers requests of a driver that compares implementations.",
                              "refserver adapter",
                              kAdapterFooter);
    if (auto end = parse(*app, std::move(arguments))) return std::unexpected(*std::move(end));
    return AdapterOptions{};
}

}  // namespace matrix::commands
