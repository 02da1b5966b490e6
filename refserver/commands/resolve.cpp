#include "refserver/commands/resolve.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/commands/explanation.h"
#include "refserver/commands/history.h"
#include "refserver/commands/load.h"
#include "refserver/commands/resolution.h"

namespace matrix::commands {
namespace {

/// Everything that is wrong with the input, and what that means.
struct Trouble {
    std::vector<InputError> errors;
    ExitCode code() const { return errors.front().code; }
};
template <class T>
using Attempt = std::expected<T, Trouble>;

std::unexpected<Trouble> refuse(InputError error) {
    return std::unexpected(Trouble{{std::move(error)}});
}

template <class T>
Attempt<T> only(std::expected<T, InputError> result) {
    if (result) return *std::move(result);
    return refuse(std::move(result).error());
}

/// A room to resolve, and what is said about it where it comes from.
struct Task {
    std::string name;  ///< Of the case; empty for a room of its own.
    Room room;
    std::optional<Expectation> expectation;
};

// --- State sets ----------------------------------------------------------------------------------

Attempt<std::vector<State>> read_state_set_files(const std::vector<std::string>& names,
                                                 Room& room) {
    std::vector<State> states;
    for (const std::string& name : names) {
        ASSIGN_OR_RETURN(const std::string text, only(read_input(name)));
        const auto rooms = read_rooms(text, display_name(name), FileFormat::StateAnswer);
        if (rooms && !rooms->front().room.state_sets.empty()) {
            // An answer of /state: it brings its events with it.
            const std::vector<RoomFile> files{rooms->front().room};
            auto more = make_room(files, *room.rules);
            if (!more) return std::unexpected(Trouble{std::move(more).error()});
            for (const auto& [id, event] : more->events.events())
                room.events.add(event);
            states.push_back(more->state_sets.front());
            continue;
        }
        ASSIGN_OR_RETURN(const StateSet set, only(read_state_set(text, display_name(name))));
        ASSIGN_OR_RETURN(State state, only(make_state(set, room.events)));
        states.push_back(std::move(state));
    }
    return states;
}

// The states after some events of the graph.
Attempt<std::vector<State>> list_states_after(const std::vector<EventId>& ids,
                                              const History& history,
                                              const std::string& file) {
    std::vector<State> states;
    for (const EventId& id : ids) {
        auto state = history.state_after(id);
        if (!state) {
            return refuse({{.file = file},
                           "",
                           "all events back to the create event, or state sets: the state after " +
                               id.text() + " cannot be told"});
        }
        states.push_back(*std::move(state));
    }
    return states;
}

Attempt<std::vector<State>> take_states_of_graph(const ResolveOptions& options, Room& room) {
    const std::string file = display_name(options.input.files.front());
    History history(room.events, *room.rules);
    history.judge();
    if (!options.before) {
        const std::vector<EventId> ends = history.forward_extremities();
        if (ends.empty()) {
            return refuse({{.file = file},
                           "",
                           "state sets, or events with prev_events back to the create event"});
        }
        return list_states_after(ends, history, file);
    }
    const EventPtr event = room.events.find(EventId(*options.before)).event;
    if (!event) {
        return refuse({{.file = "--before"}, "", "the id of an event in the files"});
    }
    return list_states_after(event->prev_events, history, file);
}

Attempt<void> choose_state_sets(const ResolveOptions& options, Room& room) {
    if (!options.state_sets.empty()) {
        ASSIGN_OR_RETURN(room.state_sets, read_state_set_files(options.state_sets, room));
        return {};
    }
    if (!room.state_sets.empty() && !options.before) return {};
    ASSIGN_OR_RETURN(room.state_sets, take_states_of_graph(options, room));
    return {};
}

// --- Rooms ---------------------------------------------------------------------------------------

Attempt<Task> make_task(const std::vector<RoomFile>& files,
                        std::string name,
                        const ResolveOptions& options) {
    ASSIGN_OR_RETURN(const RoomRules* rules, only(find_rules(files, options.input.room_version)));
    auto room = make_room(files, *rules);
    if (!room) return std::unexpected(Trouble{std::move(room).error()});
    Task task{std::move(name), *std::move(room), std::nullopt};
    RETURN_IF_ERROR(choose_state_sets(options, task.room));
    return task;
}

Attempt<std::vector<Task>> make_tasks(const ResolveOptions& options) {
    ASSIGN_OR_RETURN(const auto files, only(load_files(options.input)));
    std::vector<Task> tasks;
    std::vector<RoomFile> parts;
    for (const std::vector<RoomCase>& rooms : files) {
        for (const RoomCase& one : rooms) {
            if (one.room.format != FileFormat::Vectors) {
                parts.push_back(one.room);
                continue;
            }
            if (options.case_name && *options.case_name != one.name) continue;
            ASSIGN_OR_RETURN(Task task, make_task({one.room}, one.name, options));
            task.expectation = one.expectation;
            tasks.push_back(std::move(task));
        }
    }
    if (!parts.empty()) {
        ASSIGN_OR_RETURN(Task task, make_task(parts, "", options));
        tasks.push_back(std::move(task));
    }
    if (tasks.empty()) {
        return refuse({{.file = display_name(options.input.files.front())},
                       "cases",
                       options.case_name ? "a case named \"" + *options.case_name + "\""
                                         : "at least one case"});
    }
    return tasks;
}

// --- Results -------------------------------------------------------------------------------------

/// What was found out about one task.
struct ResolvedTask {
    State state;
    std::optional<Explanation> explanation;
    std::vector<std::string> complaints;  ///< Differences: each makes the command fail.
};

bool wants_oracle(const ResolveOptions& options) {
    return options.implementation != Implementation::Fast || options.wants_explanation ||
           options.html;
}

// What is explained is the oracle's way; so that it is the fast one's too, they are compared.
bool wants_fast(const ResolveOptions& options) {
    return options.implementation != Implementation::Oracle;
}

// What a vector says about the result under the quirks that were asked for; nothing if it does not
// speak of them.
const std::vector<EventId>* find_expected(const Expectation& expectation,
                                          const std::vector<std::string>& quirks) {
    if (quirks.empty()) return &expectation.resolved;
    if (quirks.size() > 1 || expectation.is_excluded) return nullptr;
    const auto other = expectation.differs_under.find(quirks.front());
    return other == expectation.differs_under.end() ? &expectation.resolved : &other->second;
}

std::optional<std::string> find_surprise(const Expectation& expectation,
                                         const std::vector<std::string>& quirks,
                                         const State& state) {
    const std::vector<EventId>* expected = find_expected(expectation, quirks);
    if (!expected) return std::nullopt;
    const std::vector<EventId> ids = list_ids(state);
    if (expectation.is_excluded) {
        if (ids != *expected) return std::nullopt;
        return "the vector says that the text excludes this state";
    }
    if (ids == *expected) return std::nullopt;
    std::string text = "the vector expects another state:";
    for (const EventId& id : *expected) {
        if (!std::ranges::binary_search(ids, id)) text += " with " + id.text();
    }
    for (const EventId& id : ids) {
        if (!std::ranges::binary_search(*expected, id)) text += " without " + id.text();
    }
    return text;
}

ResolvedTask resolve_task(const Task& task, const ResolveOptions& options, oracle::Quirks quirks) {
    const Room& room = task.room;
    ResolvedTask answer;
    std::optional<Resolution> fast;
    if (wants_fast(options)) {
        fast = resolve_fast(room.state_sets, room.events, *room.rules);
        answer.state = fast->state;
    }
    if (wants_oracle(options)) {
        const OracleResolution resolved =
            resolve_by_oracle(room.state_sets, room.events, *room.rules, quirks);
        const Resolution told = make_resolution(resolved);
        answer.state = told.state;
        if (fast) {
            if (auto difference = find_difference(*fast, told)) {
                answer.complaints.push_back("the implementations differ in " +
                                            *std::move(difference));
            }
        }
        if (options.wants_explanation || options.html) {
            answer.explanation = explain(room, resolved, options.quirks);
        }
    }
    if (task.expectation) {
        if (auto surprise = find_surprise(*task.expectation, options.quirks, answer.state)) {
            answer.complaints.push_back(*std::move(surprise));
        }
    }
    return answer;
}

// Without what would break a column.
std::string tell_cell(std::string_view text) {
    std::string quoted;
    json::write_string_to(quoted, text);
    const std::string inner = quoted.substr(1, quoted.size() - 2);
    return inner == text ? std::string(text) : quoted;
}

void print_state(const State& state) {
    state.for_each([](const StateKey& key, const EventId& id) {
        std::cout << tell_cell(key.type) << '\t' << tell_cell(key.state_key) << '\t' << id << '\n';
    });
}

void print_json(const Task& task, const ResolvedTask& answer, const ResolveOptions& options) {
    json::Array state;
    answer.state.for_each([&](const StateKey& key, const EventId& id) {
        state.push_back(json::Object{
            {"type", key.type}, {"state_key", key.state_key}, {"event_id", id.text()}});
    });
    json::Array quirks;
    for (const std::string& name : options.quirks)
        quirks.push_back(name);
    json::Array complaints;
    for (const std::string& complaint : answer.complaints)
        complaints.push_back(complaint);
    json::Object object{{"room_version", task.room.rules->version},
                        {"state", std::move(state)},
                        {"quirks", std::move(quirks)},
                        {"differences", std::move(complaints)}};
    if (!task.name.empty()) object.set("case", task.name);
    if (answer.explanation && options.wants_explanation) {
        object.set("explanation", write_json(*answer.explanation));
    }
    std::cout << json::write(object) << '\n';
}

bool write_html(const std::string& name, const std::string& html) {
    std::ofstream file(name, std::ios::binary);
    file << html << std::flush;
    return file.good();
}

std::string title_of(const Task& task, const ResolveOptions& options) {
    return task.name.empty() ? "State resolution of " + display_name(options.input.files.front())
                             : task.name;
}

ExitCode print_task(const Task& task, const ResolvedTask& answer, const ResolveOptions& options) {
    for (const std::string& complaint : answer.complaints) {
        std::cerr << (task.name.empty() ? "" : task.name + ": ") << complaint << '\n';
    }
    if (options.html &&
        !write_html(*options.html,
                    write_page(*answer.explanation, task.room, title_of(task, options)))) {
        std::cerr << *options.html << ": expected a file that can be written\n";
        return ExitCode::Usage;
    }
    if (options.wants_json) {
        print_json(task, answer, options);
    } else {
        if (!task.name.empty()) std::cout << "# " << task.name << '\n';
        if (options.wants_explanation) {
            std::cout << write_text(*answer.explanation, task.room.events) << "\nResolved state\n";
        }
        print_state(answer.state);
    }
    return answer.complaints.empty() ? ExitCode::Success : ExitCode::Breach;
}

void print_quirks() {
    for (const oracle::QuirkRow& row : oracle::quirk_table()) {
        std::cout << row.name << " (" << row.number << "; " << row.who << ")\n    " << row.sentence
                  << '\n';
    }
}

}  // namespace

ExitCode run_resolve(const ResolveOptions& options) {
    if (options.lists_quirks) {
        print_quirks();
        return ExitCode::Success;
    }
    const auto quirks = find_quirks(options.quirks);
    if (!quirks) {
        std::cerr << "--quirk: " << quirks.error() << '\n';
        return ExitCode::Usage;
    }
    const auto tasks = make_tasks(options);
    if (!tasks) {
        for (const InputError& error : tasks.error().errors)
            std::cerr << error << '\n';
        return tasks.error().code();
    }
    if (options.html && tasks->size() != 1) {
        std::cerr << "--html: expected one room, not " << tasks->size() << "; choose a --case\n";
        return ExitCode::Usage;
    }
    ExitCode code = ExitCode::Success;
    for (const Task& task : *tasks)
        code = std::max(code, print_task(task, resolve_task(task, options, *quirks), options));
    return code;
}

}  // namespace matrix::commands
