#include "simulator/lab/world.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/state_resolver.h"
#include "simulator/lab/repairs.h"
#include "tests/generators/command.h"

namespace matrix::lab {

using generators::Choices;
using generators::RoomEvent;

namespace {

constexpr std::size_t kCommands = 60;
constexpr std::uint64_t kSeedFactor = 1'000'003;

constexpr std::int64_t kSendEveryMs = 10'000;
constexpr std::int64_t kLatencyMinMs = 50;
constexpr std::int64_t kLatencyRangeMs = 2'000;
constexpr std::int64_t kNeverCutPercent = 40;

// The streams of a world's chance: a draw more in one does not shift the others.
enum class Stream : std::uint64_t { Room, Partition, WrongAnswers, Latency };

Choices stream_of(std::uint64_t seed, Stream stream, std::uint64_t number = 0) {
    const auto of_stream = static_cast<std::uint64_t>(stream) + 1;
    return Choices::from_seed((seed * kSeedFactor + of_stream) * kSeedFactor + number);
}

}  // namespace

WorldPlan plan_world(std::uint64_t seed, std::size_t wrong_answers) {
    Choices drawn = stream_of(seed, Stream::Room);
    WorldPlan plan = {.choices = {}, .seed = seed, .wrong_answers = wrong_answers};
    const std::size_t count =
        generators::kChoicesBeforeCommands + kCommands * generators::kChoicesPerCommand;
    for (std::size_t place = 0; place < count; ++place)
        plan.choices.push_back(static_cast<std::uint32_t>(drawn.below(UINT64_C(1) << 32)));
    return plan;
}

namespace {

// --- When which server has which event -----------------------------------------------------------

/// An event comes to a server.
struct Arrival {
    std::int64_t time_ms = 0;
    std::size_t server = 0;
    std::size_t event = 0;
    friend auto operator<=>(const Arrival&, const Arrival&) = default;
};

std::size_t home_of(const Event& event) {
    const std::string_view domain = event.sender.domain();
    return domain.empty() ? 0 : static_cast<std::size_t>(domain.front() - 'a') % kModelServers;
}

/// When one server hears nothing; from = until: never.
struct Partition {
    std::size_t server = 0;
    std::int64_t from_ms = 0;
    std::int64_t until_ms = 0;
};

Partition draw_partition(std::uint64_t seed, std::size_t event_count) {
    Choices choices = stream_of(seed, Stream::Partition);
    Partition partition = {.server = choices.below(kModelServers)};
    const auto length = static_cast<std::uint64_t>(event_count) * kSendEveryMs;
    const std::uint64_t begin = choices.below(length);
    const std::uint64_t lasts = choices.below(length / 2 + 1);
    if (choices.happens(kNeverCutPercent)) return partition;
    partition.from_ms = static_cast<std::int64_t>(begin);
    partition.until_ms = static_cast<std::int64_t>(begin + lasts);
    return partition;
}

std::int64_t arrival_time(const WorldPlan& plan,
                          const Partition& partition,
                          const RoomEvent& event,
                          std::size_t index,
                          std::size_t server) {
    const std::int64_t sent = static_cast<std::int64_t>(index) * kSendEveryMs;
    const std::size_t home = home_of(*event.event);
    if (server == home) return sent;
    Choices choices = stream_of(plan.seed, Stream::Latency, index * kModelServers + server);
    const auto latency = kLatencyMinMs + static_cast<std::int64_t>(choices.below(kLatencyRangeMs));
    const bool is_cut = partition.server == server || partition.server == home;
    const bool waits = is_cut && partition.from_ms <= sent && sent < partition.until_ms;
    return (waits ? partition.until_ms : sent) + latency;
}

// A server that has an event has what it follows on: it asks for it.
std::vector<Arrival> list_arrivals(const WorldPlan& plan, const generators::Room& room) {
    const std::size_t count = room.events().size();
    const Partition partition = draw_partition(plan.seed, count);
    std::vector<Arrival> arrivals;
    for (std::size_t server = 0; server < kModelServers; ++server) {
        std::vector<std::int64_t> times(count);
        for (std::size_t index = 0; index < count; ++index)
            times[index] = arrival_time(plan, partition, room.events()[index], index, server);
        for (std::size_t index = count; index > 0; --index) {
            for (const std::size_t parent : room.events()[index - 1].parents)
                times[parent] = std::min(times[parent], times[index - 1]);
        }
        for (std::size_t index = 0; index < count; ++index)
            arrivals.push_back({times[index], server, index});
    }
    std::ranges::sort(arrivals);
    return arrivals;
}

// --- Wrong answers -------------------------------------------------------------------------------

/// At the first event from `event` on that comes to `server`, it is told the state before it.
struct WrongAnswer {
    std::size_t server = 0;
    std::size_t event = 0;
    KeyClass key_class = KeyClass::JoinRules;
    std::uint64_t which = 0;  ///< Of the older entries that fit.
};

std::vector<WrongAnswer> draw_wrong_answers(const WorldPlan& plan, std::size_t event_count) {
    Choices choices = stream_of(plan.seed, Stream::WrongAnswers);
    std::vector<WrongAnswer> answers;
    for (std::size_t number = 0; number < plan.wrong_answers; ++number) {
        WrongAnswer answer;
        answer.server = choices.below(kModelServers);
        const std::uint64_t percent = 20 + choices.below(70);
        answer.event = event_count * percent / 100;
        answer.key_class = static_cast<KeyClass>(choices.below(kKeyClasses));
        answer.which = choices.below(UINT64_C(1) << 32);
        answers.push_back(answer);
    }
    return answers;
}

// The state with one entry that is older than it should be; the same if there is no older one.
State make_stale(const generators::Room& room,
                 const History& history,
                 const State& state,
                 const WrongAnswer& answer) {
    std::vector<std::pair<StateKey, EventId>> older;
    std::vector<std::pair<StateKey, EventId>> of_class;
    for (const RoomEvent& event : room.events()) {
        if (!event.event->is_state()) continue;
        const StateKey key = {event.event->type, *event.event->state_key};
        const EventId* now = state.find(key);
        if (!now || !history.is_before(event.event->id, *now)) continue;
        older.push_back({key, event.event->id});
        if (class_of(key) == answer.key_class) of_class.push_back(older.back());
    }
    const auto& fitting = of_class.empty() ? older : of_class;
    if (fitting.empty()) return state;
    const auto& [key, id] = fitting[answer.which % fitting.size()];
    return state.with(key, id);
}

// --- A server ------------------------------------------------------------------------------------

class Server {
public:
    Server(std::size_t number,
           const generators::Room& room,
           const History& history,
           const RoomRules& rules,
           const WorldOptions& options,
           World& world)
        : number_(number),
          room_(room),
          history_(history),
          options_(options),
          world_(world),
          after_(room.events().size()),
          has_(room.events().size()),
          resolver_(rules, [this](const EventId& id) { return find(id); }, ed25519_verifier()) {}
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// `told` is the state before the event by somebody's answer, if there was one.
    void receive(std::size_t event, const std::optional<State>& told);

    const State& current() const { return current_; }
    /// Has it the same events, and would it send the next one after the same?
    bool is_where(const Server& other) const {
        return has_ == other.has_ && extremities_ == other.extremities_;
    }

private:
    auth::CitedEvent find(const EventId& id) const;
    State resolve(const std::vector<State>& states, std::size_t event, bool is_of_current_state);
    void note(Incident incident);
    auth::Verdict check(const Event& event, const State& state) const;

    const std::size_t number_;
    const generators::Room& room_;
    const History& history_;
    const WorldOptions& options_;
    World& world_;
    std::vector<State> after_;  ///< By event.
    std::vector<bool> has_;     ///< By event.
    std::set<std::size_t> rejected_;
    std::set<std::size_t> extremities_;
    State current_;
    Resolver resolver_;
    Losses losses_;
};

auth::CitedEvent Server::find(const EventId& id) const {
    auth::CitedEvent found = room_.find(id);
    if (found.event) found.is_rejected = rejected_.contains(history_.index_of(id));
    return found;
}

// The create event is given besides what is required: from v12 on nobody cites it.
auth::Verdict Server::check(const Event& event, const State& state) const {
    auth::AuthState entries;
    if (state.find("m.room.create", "")) {
        entries.set(auth::Role::Create, room_.events().front().event.get());
    }
    for (const auth::RequiredKey& key : auth::required_state(event)) {
        const EventId* id = state.find(key.type, key.state_key);
        if (id) entries.set(key.role, room_.find(*id).event.get());
    }
    return auth::check_against(entries, event, ed25519_verifier());
}

State Server::resolve(const std::vector<State>& states,
                      std::size_t event,
                      bool is_of_current_state) {
    if (states.empty()) return {};
    const bool is_one =
        std::ranges::all_of(states, [&](const State& state) { return state == states.front(); });
    if (is_one) return states.front();
    State result = resolve_counted(resolver_, states, options_.stopwatch, world_.figures);
    Incident incident = {.server = number_,
                         .event = event,
                         .is_of_current_state = is_of_current_state,
                         .inputs = states,
                         .result = result,
                         .taken_back = find_taken_back(history_, states, result)};
    const Watch place = {number_, event, is_of_current_state};
    if (incident.taken_back.empty() && options_.watch != place) return result;
    for (const std::size_t rejected : rejected_)
        incident.rejected.insert(room_.events()[rejected].event->id);
    if (options_.watch == place) world_.watched = incident;
    note(std::move(incident));
    return result;
}

void Server::note(Incident incident) {
    if (!losses_.count(incident.taken_back, world_.figures)) return;
    if (options_.other) {
        const FindEvent find_event = [this](const EventId& id) { return find(id); };
        ++world_.figures.repairs[find_repair(
            history_, find_event, incident.inputs, room_.rules(), *options_.other)];
    }
    world_.resets.push_back(std::move(incident));
}

void Server::receive(std::size_t index, const std::optional<State>& told) {
    const RoomEvent& made = room_.events()[index];
    has_[index] = true;
    std::vector<State> states;
    for (const std::size_t parent : made.parents)
        states.push_back(after_[parent]);
    if (told) states.push_back(*told);
    const State before = resolve(states, index, false);
    after_[index] = before;
    if (const auth::Verdict verdict = check(*made.event, before); !verdict) {
        rejected_.insert(index);
        ++world_.figures.rejections[std::string(verdict.error().rule)];
        return;
    }
    if (made.event->is_state()) {
        after_[index] = before.with({made.event->type, *made.event->state_key}, made.event->id);
    }
    if (!extremities_.empty()) {
        if (const auth::Verdict verdict = check(*made.event, current_); !verdict) {
            ++world_.figures.soft_failures[std::string(verdict.error().rule)];
            return;
        }
    }
    for (const std::size_t parent : made.parents)
        extremities_.erase(parent);
    extremities_.insert(index);
    std::vector<State> ends;
    for (const std::size_t end : extremities_)
        ends.push_back(after_[end]);
    current_ = resolve(ends, index, true);
}

// --- The world -----------------------------------------------------------------------------------

using Servers = std::vector<std::unique_ptr<Server>>;

// Which answer an arrival brings; it is taken out.
std::optional<WrongAnswer> take_answer(std::vector<WrongAnswer>& answers, const Arrival& arrival) {
    const auto found = std::ranges::find_if(answers, [&](const WrongAnswer& answer) {
        return answer.server == arrival.server && answer.event <= arrival.event;
    });
    if (found == answers.end()) return std::nullopt;
    const WrongAnswer answer = *found;
    answers.erase(found);
    return answer;
}

void count_differences(const Servers& servers, std::int64_t lasting_ms, WorldFigures& figures) {
    bool is_apart = false;
    bool is_split = false;
    for (std::size_t a = 0; a < servers.size(); ++a) {
        for (std::size_t b = a + 1; b < servers.size(); ++b) {
            if (servers[a]->current() == servers[b]->current()) continue;
            is_apart = true;
            is_split |= servers[a]->is_where(*servers[b]);
        }
    }
    if (is_apart) figures.apart_ms += lasting_ms;
    if (is_split) figures.split_ms += lasting_ms;
    figures.lasted_ms += lasting_ms;
    figures.is_split_at_end = is_split;
}

}  // namespace

History make_history(const generators::Room& room) {
    History history;
    for (const RoomEvent& event : room.events())
        history.add(event.event, event.before);
    return history;
}

World run_world(const WorldPlan& plan, const RoomRules& rules, const WorldOptions& options) {
    Choices choices = Choices::from_numbers(plan.choices);
    generators::RoomLimits limits = generators::kHonestRoom;
    limits.commands_max = kCommands;
    limits.clocks = generators::Clocks::Right;
    World world = {.room = make_room(choices, rules, limits), .figures = {}};
    const generators::Room& room = world.room;
    const History history = make_history(room);
    Servers servers;
    for (std::size_t number = 0; number < kModelServers; ++number) {
        servers.push_back(std::make_unique<Server>(number, room, history, rules, options, world));
    }
    std::vector<WrongAnswer> answers = draw_wrong_answers(plan, room.events().size());
    const std::vector<Arrival> arrivals = list_arrivals(plan, room);
    for (std::size_t place = 0; place < arrivals.size(); ++place) {
        const Arrival& arrival = arrivals[place];
        std::optional<State> told;
        if (const auto answer = take_answer(answers, arrival)) {
            told = make_stale(room, history, room.events()[arrival.event].before, *answer);
        }
        servers[arrival.server]->receive(arrival.event, told);
        // The end is counted too, as long as it takes until the next event would be sent.
        const std::int64_t next = place + 1 < arrivals.size() ? arrivals[place + 1].time_ms
                                                              : arrival.time_ms + kSendEveryMs;
        count_differences(servers, next - arrival.time_ms, world.figures);
    }
    world.figures.events = arrivals.size();
    return world;
}

}  // namespace matrix::lab
