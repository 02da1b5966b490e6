#include "simulator/simulated_network.h"

#include <algorithm>

#include "refserver/base/assert.h"

namespace matrix::simulator {

using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::NetworkError;
using runtime::NetworkErrorKind;
using runtime::OutgoingRequest;
using runtime::Pending;
using Kind = LinkTrouble::Kind;

namespace {

constexpr int kNowhere = -1;  // An address at which nobody is.
constexpr std::int64_t kSecondUs = 1'000'000;
// Of a draw within a thousand; a long tail is cut where no sender waits any more.
constexpr std::uint64_t kGrains = 1000;
constexpr std::int64_t kLongTailUsMost = 60 * kSecondUs;

// The simplest decision is that nothing happens.
bool does_happen(runtime::Random& random, std::uint64_t one_in) {
    return random.below(one_in) == one_in - 1;
}

}  // namespace

LinkTrouble make_partition(const std::vector<std::vector<int>>& groups) {
    const auto is_in = [](const std::vector<int>& group, int host) {
        return std::ranges::find(group, host) != group.end();
    };
    auto is_cut = [groups, is_in](int from, int to) {
        for (std::size_t place = 0; place < groups.size(); ++place) {
            const auto belongs = [&](int host) {
                if (is_in(groups[place], host)) return true;
                const auto has = [&](const std::vector<int>& group) { return is_in(group, host); };
                return place == 0 && std::ranges::none_of(groups, has);
            };
            if (belongs(from) && belongs(to)) return false;
        }
        return !groups.empty();
    };
    return {.kind = Kind::Cut, .concerns = std::move(is_cut)};
}

/// One request on its way, its answer, and its end: whichever of answer, timeout and cancellation
/// comes first empties `done`.
struct SimulatedNetwork::Exchange {
    int from = 0;
    int to = 0;
    std::uint64_t request = 0;  ///< The number of the message.
    std::move_only_function<void(runtime::Network::Result)> done;
    Pending timeout;
    Pending step;                       ///< The next thing to happen to it.
    bool is_broken_for_sender = false;  ///< It is served, and the sender does not hear of it.
};

struct SimulatedNetwork::Passage {
    std::int64_t delay_us = 0;
    bool is_lost = false;
    bool is_reset = false;
    bool is_clogged = false;
    bool is_duplicated = false;
};

class SimulatedNetwork::View : public runtime::Network {
public:
    View(SimulatedNetwork& network, int host) : network_(network), host_(host) {}

    Pending send(OutgoingRequest request, std::move_only_function<void(Result)> done) override {
        if (!network_.hosts_[host_].is_up()) return {};
        auto exchange = std::make_shared<Exchange>();
        exchange->from = host_;
        exchange->done = std::move(done);
        network_.start(exchange, std::move(request));
        // The request itself goes on: a peer that has it does not take it back.
        return Pending([exchange] {
            exchange->done = nullptr;
            exchange->timeout.reset();
        });
    }

private:
    SimulatedNetwork& network_;
    int host_;
};

/// Answers once; destroyed before that, it breaks the connection.
class SimulatedNetwork::Answering {
public:
    Answering(SimulatedNetwork& network, std::shared_ptr<Exchange> exchange)
        : network_(&network), exchange_(std::move(exchange)) {}
    Answering(Answering&&) = default;
    Answering& operator=(Answering&&) = delete;
    ~Answering() {
        if (!exchange_) return;
        ++network_->counts_.broken_by_crashes;
        network_->fail(exchange_,
                       network_->draw_latency_us(exchange_->to, exchange_->from),
                       NetworkErrorKind::Interrupted,
                       "the connection broke before the answer");
    }
    void operator()(HttpResponse response) {
        if (const auto exchange = std::exchange(exchange_, nullptr)) {
            network_->answer(exchange, std::move(response));
        }
    }

private:
    SimulatedNetwork* network_;
    std::shared_ptr<Exchange> exchange_;
};

int SimulatedNetwork::add_host(std::string name,
                               Deliver deliver,
                               RunTurn run_turn,
                               std::function<bool()> is_up) {
    const int number = static_cast<int>(hosts_.size());
    numbers_.emplace(name, number);
    addressed_.emplace(address_of(number), number);
    if (Recorder* recorder = trace_.recorder()) recorder->host(number, name);
    hosts_.push_back({std::move(name), std::move(deliver), std::move(run_turn), std::move(is_up)});
    return number;
}

std::string SimulatedNetwork::address_of(int host) {
    return "10.0." + std::to_string(host / 256) + "." + std::to_string(host % 256);
}

std::optional<std::string> SimulatedNetwork::find_address(std::string_view name) const {
    const auto number = numbers_.find(name);
    if (number == numbers_.end()) return std::nullopt;
    return address_of(number->second);
}

Pending SimulatedNetwork::call_later(int host, std::move_only_function<void()> job) {
    return time_.schedule(
        draw_latency_us(host, host), host, [this, host, job = std::move(job)]() mutable {
            hosts_[host].run_turn(std::move(job));
        });
}

std::unique_ptr<runtime::Network> SimulatedNetwork::view_of(int host) {
    return std::make_unique<View>(*this, host);
}

// --- Troubles ------------------------------------------------------------------------------------

void SimulatedNetwork::set_troubles(std::vector<LinkTrouble> troubles) {
    troubles_ = std::move(troubles);
    std::vector<Held> still_held;
    for (Held& held : std::exchange(held_, {})) {
        if (is_clogged(held.from, held.to)) {
            still_held.push_back(std::move(held));
        } else {
            time_.schedule(0, held.to, std::move(held.go)).release();
        }
    }
    held_ = std::move(still_held);
}

void SimulatedNetwork::split(const std::vector<int>& group_of_host) {
    MATRIX_ASSERT(group_of_host.size() <= hosts_.size());
    std::vector<std::vector<int>> groups(1);
    for (std::size_t host = 0; host < group_of_host.size(); ++host) {
        const auto group = static_cast<std::size_t>(group_of_host[host]);
        groups.resize(std::max(groups.size(), group + 1));
        groups[group].push_back(static_cast<int>(host));
    }
    set_troubles({make_partition(groups)});
}

bool SimulatedNetwork::is_cut(int from, int to) const {
    return std::ranges::any_of(troubles_, [&](const LinkTrouble& trouble) {
        return trouble.kind == Kind::Cut && trouble.target.empty() && trouble.concerns(from, to);
    });
}

bool SimulatedNetwork::is_clogged(int from, int to) const {
    return std::ranges::any_of(troubles_, [&](const LinkTrouble& trouble) {
        return trouble.kind == Kind::Clog && trouble.concerns(from, to);
    });
}

const LinkOptions& SimulatedNetwork::options_of(int from, int to) const {
    for (auto trouble = troubles_.rbegin(); trouble != troubles_.rend(); ++trouble) {
        if (trouble->kind == Kind::Latency && trouble->concerns(from, to)) return trouble->latency;
    }
    return default_link_;
}

runtime::Random& SimulatedNetwork::random_of(int from, int to) {
    const auto row = static_cast<std::size_t>(from + 1);
    const auto column = static_cast<std::size_t>(to + 1);
    if (streams_.size() <= row) streams_.resize(hosts_.size() + 1);
    if (streams_[row].size() <= column) streams_[row].resize(hosts_.size() + 1);
    runtime::Random*& known = streams_[row][column];
    if (known) return *known;
    const auto name_of = [this](int host) {
        return host < 0 ? std::string("nowhere") : hosts_[host].name;
    };
    known = &random_.stream(name_of(from) + " to " + name_of(to));
    return *known;
}

std::int64_t SimulatedNetwork::draw_latency_us(int from, int to) {
    const LinkOptions& options = options_of(from, to);
    runtime::Random& random = random_of(from, to);
    const std::int64_t span = options.latency_us_max - options.latency_us_min;
    const auto range = static_cast<std::uint64_t>(span + 1);
    switch (options.shape) {
        case LatencyShape::Constant:
            return options.latency_us_min;
        case LatencyShape::Uniform:
            return options.latency_us_min + static_cast<std::int64_t>(random.below(range));
        case LatencyShape::MostlyShort: {
            const std::uint64_t first = random.below(range);
            const std::uint64_t second = random.below(kGrains);
            return options.latency_us_min + static_cast<std::int64_t>(first * second / kGrains);
        }
        case LatencyShape::LongTail: {
            // Half of them are below the middle, one in a hundred is a hundred times that.
            const auto grain = static_cast<std::int64_t>(random.below(kGrains));
            const std::int64_t tail = span * grain / (static_cast<std::int64_t>(kGrains) - grain);
            return std::min(options.latency_us_min + tail, kLongTailUsMost);
        }
    }
    unreachable();
}

SimulatedNetwork::Passage SimulatedNetwork::draw_passage(int from, int to, std::size_t bytes) {
    Passage passage{.delay_us = draw_latency_us(from, to)};
    runtime::Random& random = random_of(from, to);
    const std::uint64_t one_in = default_link_.loss_one_in;
    passage.is_lost = one_in != 0 && does_happen(random, one_in);
    for (const LinkTrouble& trouble : troubles_) {
        if (!trouble.concerns(from, to)) continue;
        if (trouble.kind == Kind::SlowBody && bytes > 0) {
            const auto size = static_cast<std::int64_t>(bytes);
            passage.delay_us += size * kSecondUs / trouble.amount;
            ++counts_.slowed;
        }
        apply(trouble, random, passage);
    }
    return passage;
}

void SimulatedNetwork::apply(const LinkTrouble& trouble,
                             runtime::Random& random,
                             Passage& passage) {
    switch (trouble.kind) {
        case Kind::Cut:
            if (trouble.target.empty()) passage.is_lost = true;
            return;
        case Kind::Loss:
            if (does_happen(random, trouble.one_in)) passage.is_lost = true;
            return;
        case Kind::Reset:
            if (does_happen(random, trouble.one_in)) passage.is_reset = true;
            return;
        case Kind::Duplicate:
            if (does_happen(random, trouble.one_in)) passage.is_duplicated = true;
            return;
        case Kind::Reorder:
            if (!does_happen(random, trouble.one_in)) return;
            ++counts_.delayed;
            passage.delay_us += static_cast<std::int64_t>(
                random.below(static_cast<std::uint64_t>(trouble.amount) + 1));
            return;
        case Kind::Clog:
            passage.is_clogged = true;
            return;
        case Kind::Latency:
        case Kind::SlowBody:
        case Kind::Proxy:
        case Kind::Refuse:
            return;
    }
    unreachable();
}

// --- One request ---------------------------------------------------------------------------------

// It does not arrive either, and its sender is told.
void SimulatedNetwork::record_refused(int from, int to, const HttpRequest& message) {
    if (Recorder* recorder = trace_.recorder())
        recorder->lost(from, to, message.method + " " + message.target);
}

void SimulatedNetwork::note_lost(int from, int to, const std::string& what) {
    ++counts_.lost;
    if (Recorder* recorder = trace_.recorder()) recorder->lost(from, to, what);
}

void SimulatedNetwork::start(const std::shared_ptr<Exchange>& exchange, OutgoingRequest request) {
    const int from = exchange->from;
    exchange->timeout = time_.schedule(request.timeout.value * 1000, from, [this, exchange] {
        finish(exchange, std::unexpected(NetworkError{NetworkErrorKind::Timeout, "no answer"}));
    });
    const auto known = addressed_.find(request.destination.connect_to());
    if (known == addressed_.end()) {
        return fail(exchange,
                    draw_latency_us(from, kNowhere),
                    NetworkErrorKind::Unreachable,
                    "nobody is at this address");
    }
    exchange->to = known->second;
    HttpRequest message = std::move(request.message);
    if (is_stopped_on_the_way(exchange, message)) return;
    message.peer_address = hosts_[from].name;
    message.headers.add("Host", request.destination.host_header);
    carry_request(exchange, std::move(message));
}

// What concerns requests alone: connections that are not made, and answers of others.
bool SimulatedNetwork::is_stopped_on_the_way(const std::shared_ptr<Exchange>& exchange,
                                             const HttpRequest& message) {
    const int from = exchange->from;
    const int to = exchange->to;
    runtime::Random& random = random_of(from, to);
    for (const LinkTrouble& trouble : troubles_) {
        const bool is_kind = trouble.kind == Kind::Refuse || trouble.kind == Kind::Proxy ||
                             (trouble.kind == Kind::Cut && !trouble.target.empty());
        if (!is_kind || !trouble.concerns(from, to)) continue;
        if (!message.target.starts_with(trouble.target)) continue;
        if (!does_happen(random, trouble.one_in)) continue;
        if (trouble.kind == Kind::Cut) {
            note_lost(from, to, message.method + " " + message.target);
        } else if (trouble.kind == Kind::Refuse) {
            ++counts_.refused;
            record_refused(from, to, message);
            fail(exchange, draw_latency_us(from, to), trouble.error, "by a fault of the scenario");
        } else {
            ++counts_.answered_on_the_way;
            const std::int64_t delay_us = draw_latency_us(from, to);
            exchange->step =
                time_.schedule(delay_us, from, [this, exchange, answer = trouble.answer]() mutable {
                    finish(exchange, std::move(answer));
                });
        }
        return true;
    }
    return false;
}

void SimulatedNetwork::carry_request(const std::shared_ptr<Exchange>& exchange,
                                     HttpRequest message) {
    const int from = exchange->from;
    const int to = exchange->to;
    const Passage passage = draw_passage(from, to, message.body.size());
    if (passage.is_lost) {
        note_lost(from, to, message.method + " " + message.target);
        return;
    }
    const std::string* authorization = message.headers.find("Authorization");
    exchange->request =
        trace_.message(from,
                       to,
                       message.method + " " + message.target + " " +
                           without_signatures(authorization == nullptr ? "" : *authorization),
                       message.body);
    if (passage.is_reset) {
        ++counts_.reset;
        const bool is_served = random_of(from, to).below(2) == 1;
        exchange->is_broken_for_sender = is_served;
        if (!is_served) {
            return fail(exchange,
                        passage.delay_us,
                        NetworkErrorKind::Interrupted,
                        "the connection was reset");
        }
    }
    if (passage.is_duplicated) {
        ++counts_.duplicated;
        auto twin = std::make_shared<Exchange>();
        twin->from = from;
        twin->to = to;
        twin->request = exchange->request;
        Passage again = passage;
        again.delay_us += draw_latency_us(from, to);
        set_out(again, twin, to, [this, twin, message]() mutable { arrive(twin, message); });
    }
    set_out(passage, exchange, to, [this, exchange, message = std::move(message)]() mutable {
        arrive(exchange, std::move(message));
    });
}

// Brings a message to `to`, or holds it.
void SimulatedNetwork::set_out(const Passage& passage,
                               const std::shared_ptr<Exchange>& exchange,
                               int to,
                               std::move_only_function<void()> arrive) {
    if (!passage.is_clogged) {
        exchange->step = time_.schedule(passage.delay_us, to, std::move(arrive));
        return;
    }
    ++counts_.held;
    const int from = to == exchange->to ? exchange->from : exchange->to;
    held_.push_back({from, to, std::move(arrive)});
}

void SimulatedNetwork::arrive(std::shared_ptr<Exchange> exchange, HttpRequest message) {
    if (is_cut(exchange->from, exchange->to)) {
        note_lost(exchange->from, exchange->to, message.method + " " + message.target);
        return;
    }
    if (!hosts_[exchange->to].is_up()) {
        ++counts_.refused;
        record_refused(exchange->from, exchange->to, message);
        return fail(exchange,
                    draw_latency_us(exchange->to, exchange->from),
                    NetworkErrorKind::Unreachable,
                    "the connection was refused");
    }
    ++delivered_;
    if (Recorder* recorder = trace_.recorder()) recorder->arrived(exchange->request);
    hosts_[exchange->to].run_turn([this, exchange, message = std::move(message)]() mutable {
        hosts_[exchange->to].deliver(std::move(message), Answering(*this, exchange));
    });
}

void SimulatedNetwork::answer(std::shared_ptr<Exchange> exchange, HttpResponse response) {
    const int from = exchange->from;
    const int to = exchange->to;
    const Passage passage = draw_passage(to, from, response.body.size());
    const std::string status = std::to_string(response.status);
    if (passage.is_lost) {
        note_lost(to, from, status);
        return;
    }
    const std::uint64_t number = trace_.message(to, from, status, response.body);
    if (Recorder* recorder = trace_.recorder()) recorder->answers(number, exchange->request);
    if (passage.is_reset || exchange->is_broken_for_sender) {
        if (passage.is_reset) ++counts_.reset;
        return fail(
            exchange, passage.delay_us, NetworkErrorKind::Interrupted, "the connection was reset");
    }
    set_out(passage,
            exchange,
            from,
            [this, exchange, number, response = std::move(response)]() mutable {
                if (is_cut(exchange->to, exchange->from)) {
                    note_lost(exchange->to, exchange->from, std::to_string(response.status));
                    return;
                }
                if (Recorder* recorder = trace_.recorder()) recorder->arrived(number);
                finish(exchange, std::move(response));
            });
}

void SimulatedNetwork::fail(const std::shared_ptr<Exchange>& exchange,
                            std::int64_t delay_us,
                            NetworkErrorKind kind,
                            std::string what) {
    exchange->step = time_.schedule(
        delay_us, exchange->from, [this, exchange, kind, what = std::move(what)]() mutable {
            finish(exchange, std::unexpected(NetworkError{kind, std::move(what)}));
        });
}

void SimulatedNetwork::finish(const std::shared_ptr<Exchange>& exchange,
                              runtime::Network::Result result) {
    exchange->timeout.reset();
    if (auto done = std::exchange(exchange->done, nullptr)) {
        hosts_[exchange->from].run_turn(
            [done = std::move(done), result = std::move(result)]() mutable {
                done(std::move(result));
            });
    }
}

}  // namespace matrix::simulator
