#include "simulator/simulated_server.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/storage/signing_keys.h"
#include "simulator/cluster.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/simulated_crypto.h"
#include "simulator/simulated_durability.h"
#include "simulator/traced_random.h"
#include "simulator/wiretap.h"

namespace matrix::simulator {
namespace {

/// So long does each server's log of the database become, of pages of 4 KiB.
constexpr int kCheckpointPages = 200;
constexpr std::int64_t kRestartUs = 1'000'000;  // As supervisors of services wait.
constexpr std::int64_t kDiskSuspectUs = 60'000'000;
/// So many failures one after the other, of a disk that does not fail: its database is beyond help.
constexpr std::uint64_t kStartsMax = 3;

// Every server has a seed of its own, so that one more server changes no other.
std::uint64_t seed_of(const ClusterOptions& cluster, int number) {
    return cluster.identity_seed * 1'000'003 + static_cast<std::uint64_t>(number) + 1;
}

// And every process of it, so that none takes names that an earlier one gave. The last keeps its
// distance from all seeds above.
std::uint64_t seed_of_process(const ClusterOptions& cluster, int number, std::uint64_t process) {
    constexpr std::uint64_t kFarApart = 0x9e37'79b9'7f4a'7c15;
    return seed_of(cluster, number) + process * kFarApart;
}

/// Answers once; destroyed before that, it says that the connection broke.
class Connection {
public:
    explicit Connection(SimulatedServer::Answered done) : done_(std::move(done)) {}
    Connection(Connection&&) = default;
    Connection& operator=(Connection&&) = delete;
    ~Connection() {
        if (done_) std::exchange(done_, nullptr)(std::nullopt);
    }
    void operator()(runtime::HttpResponse response) {
        if (done_) std::exchange(done_, nullptr)(std::move(response));
    }

private:
    SimulatedServer::Answered done_;
};

}  // namespace

/// Everything that ends with a process.
struct SimulatedServer::Process {
    Process(SimulatedServer& machine, std::uint64_t number)
        : random(seed_of_process(machine.world_.options, machine.number_, number),
                 machine.name_.text(),
                 machine.world_.trace),
          executor(machine.world_.time, machine.number_),
          clock(machine.world_.time, executor, machine.number_, &machine.clock_error_),
          workers(machine.world_.time,
                  executor,
                  machine.world_.choices.stream(machine.name_.text() + " workers"),
                  machine.number_),
          durability(machine.disk_,
                     clock,
                     machine.world_.choices.stream(machine.name_.text() + " durability"),
                     {.on_failure = [this, &machine] { end_by_sync(machine); }}),
          network(machine.world_.network.view_of(machine.host_)) {
        if (machine.world_.options.has_pointer_draw) random.plant_pointer_draw();
        executor.watch_turns([&machine] { machine.after_turn(); });
    }
    void end_by_sync(SimulatedServer& machine) {
        is_ended = true;
        ++machine.counts_.ends_by_sync;
        machine.end_soon();
    }

    bool is_ended = false;  ///< By a sync that failed: it does nothing any more.
    TracedRandomSource random;
    SimulatedExecutor executor;
    SimulatedClock clock;
    SimulatedWorkers workers;
    SimulatedDurability durability;
    std::unique_ptr<runtime::Network> network;
    std::unique_ptr<engine::Server> engine;
};

SimulatedServer::SimulatedServer(Surroundings surroundings, const SimulatedDisk& disk, int number)
    : world_(surroundings),
      number_(number),
      name_("s" + std::to_string(number) + ".test"),
      disk_(disk, seed_of(world_.options, number)),
      log_(world_.time, number, world_.options.log_level, world_.options.recorder),
      host_(world_.network.add_host(
          name_.text(),
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              serve(std::move(request), std::move(respond));
          },
          [this](std::move_only_function<void()> job) {
              if (is_up()) process_->executor.run_turn(std::move(job));
          },
          [this] { return process_ != nullptr && !process_->is_ended && disk_.has_power(); })),
      resolver_(world_.dns.view_of(host_)) {
    MATRIX_ASSERT(host_ == number);  // Virtual time pauses servers by this number.
    disk_.decide_by(world_.choices.stream(name_.text() + " disk"));
    MATRIX_ASSERT(open());
    first_tokens_ = tokens_;
}

SimulatedServer::~SimulatedServer() = default;

// --- Processes -----------------------------------------------------------------------------------

bool SimulatedServer::is_up() const {
    return process_ != nullptr && process_->engine != nullptr && !process_->is_ended &&
           disk_.has_power();
}

engine::Server& SimulatedServer::engine() {
    MATRIX_ASSERT(is_up());
    return *process_->engine;
}

SimulatedExecutor& SimulatedServer::executor() {
    MATRIX_ASSERT(is_up());
    return process_->executor;
}

engine::ServerOptions SimulatedServer::frugal_options() {
    engine::ServerOptions options;
    options.database.cache_kibibytes = 512;
    options.database.checkpoint_pages = kCheckpointPages;
    return options;
}

engine::ServerOptions SimulatedServer::options_of_process() const {
    engine::ServerOptions options = frugal_options();
    options.server_name = name_;
    options.event_pool = &world_.events;
    if (Recorder* recorder = world_.options.recorder) options.watch = recorder->watch_of(number_);
    // A process that finds accounts leaves them their tokens.
    for (int user = 0; is_disk_new_ && user < world_.options.users_per_server; ++user) {
        options.users.push_back("user" + std::to_string(user));
    }
    options.rotates_key = rotates_key_;
    if (world_.options.crypto == Crypto::Simulated) {
        options.make_signer = make_simulated_signer;
        options.verifier = &simulated_verifier();
    }
    if (Recorder* recorder = world_.options.recorder) options.watch = recorder->watch_of(number_);
    if (world_.options.saboteur != nullptr)
        options.verifier = &world_.options.saboteur->verifier_of(number_, *options.verifier);
    return options;
}

bool SimulatedServer::open() {
    process_ = std::make_unique<Process>(*this, processes_++);
    Process& process = *process_;
    ++counts_.starts;
    auto opened = engine::Server::open({process.executor,
                                        process.clock,
                                        process.random,
                                        *process.network,
                                        *resolver_,
                                        process.workers,
                                        disk_,
                                        process.durability,
                                        log_},
                                       options_of_process());
    if (!opened) {
        note_failed_start(opened.error().what);
        process_.reset();
        return false;
    }
    process.engine = std::move(*opened);
    process.executor.run_turn([] {});  // The first commit: what opening has written.
    if (!is_up()) {
        note_failed_start("the disk failed while it began");
        end_process();
        return false;
    }
    if (const auto key = storage::SigningKeyStore(process.engine->turns()).find_current())
        keys_used_.insert(key->id);
    if (is_disk_new_) tokens_ = process.engine->user_tokens();
    is_disk_new_ = false;
    rotates_key_ = false;
    return true;
}

void SimulatedServer::note_failed_start(const std::string& why) {
    ++counts_.failed_starts;
    world_.trace.note("does not start", name_.text() + ": " + why);
    if (has_lied_ || is_disk_suspect() || !disk_.has_power()) return;
    unexplained_failures_.push_back(why);
}

void SimulatedServer::start() {
    if (process_ != nullptr || is_held_down_) return;
    if (!disk_.has_power()) disk_.restore_power();
    for (std::uint64_t attempt = 0; attempt < kStartsMax; ++attempt) {
        if (open()) {
            world_.trace.note("start", name_.text());
            return;
        }
        if (!disk_.has_power()) disk_.restore_power();
        if (disk_.failing() != SimulatedDisk::Failing::Nothing) return start_later();
    }
    // Its owner begins anew, as the owner of a machine does whose database is broken.
    ++counts_.databases_given_up;
    wipe();
    note_lost_data("its database could not be opened any more");
    MATRIX_ASSERT(open());
}

void SimulatedServer::start_later() {
    world_.time.schedule(kRestartUs, number_, [this] { start(); }).release();
}

void SimulatedServer::end_process() {
    if (process_ == nullptr) return;
    past_counters_ = counters();
    counts_ = counts();
    // Connections break while it goes: nobody may find a part of it.
    const auto ending = std::exchange(process_, nullptr);
}

// Not within the turn that runs.
void SimulatedServer::end_soon() {
    world_.time
        .schedule(0,
                  number_,
                  [this, number = processes_] {
                      if (process_ == nullptr || number != processes_) return;
                      crash(disk_.has_power() ? Death::OfProcess : Death::OfPower);
                      start_later();
                  })
        .release();
}

void SimulatedServer::crash(Death death) {
    forget_crash_plans();
    if (process_ == nullptr) return;
    ++counts_.crashes;
    world_.trace.note("crash",
                      name_.text() + (death == Death::OfPower ? ": no power" : ": process alone"));
    end_process();
    if (death == Death::OfProcess && disk_.has_power()) {
        disk_.restart_process();
        return;
    }
    if (has_lied_) note_lost_data("its disk lost what it had promised to keep");
    disk_.cut_power();
    disk_.restore_power();
}

void SimulatedServer::crash_after(std::uint64_t turns, Death death) {
    plan_ = CrashPlan{turns, death};
    if (turns == 0) crash(death);
}

void SimulatedServer::cut_power_at_operation(std::uint64_t operation) {
    disk_.cut_power_at(disk_.operations() + operation);
}

void SimulatedServer::forget_crash_plans() {
    plan_.reset();
    disk_.cut_power_at(~std::uint64_t{0});
}

void SimulatedServer::after_turn() {
    if (!disk_.has_power()) return end_soon();
    if (!plan_ || plan_->turns_left == 0) return;
    if (--plan_->turns_left > 0) return;
    world_.time
        .schedule(0,
                  number_,
                  [this] {
                      if (!plan_ || plan_->turns_left > 0) return;
                      crash(plan_->death);
                      start_later();
                  })
        .release();
}

void SimulatedServer::hold_down(bool is_held) {
    is_held_down_ = is_held;
}

void SimulatedServer::handle(runtime::HttpRequest request, Answered done) {
    Connection connection(std::move(done));
    if (!is_up()) return;
    process_->executor.run_turn([&] {
        serve(std::move(request),
              [this, connection = std::move(connection)](runtime::HttpResponse response) mutable {
                  if (is_up()) connection(std::move(response));
              });
    });
}

// A request arrives, of a client or of another server; within a turn of this server's loop.
void SimulatedServer::serve(runtime::HttpRequest request, runtime::Responder respond) {
    if (const Wiretap* wiretap = world_.options.wiretap; wiretap != nullptr)
        respond = wiretap->tap(number_, request, std::move(respond));
    if (Saboteur* saboteur = world_.options.saboteur; saboteur != nullptr) {
        if (auto answer = saboteur->intercept(number_, request)) return respond(std::move(*answer));
        if (saboteur->is_altered(number_, request)) {
            respond = [saboteur,
                       respond = std::move(respond)](runtime::HttpResponse response) mutable {
                saboteur->alter(response);
                respond(std::move(response));
            };
        }
    }
    process_->engine->handle(std::move(request), std::move(respond));
}

std::vector<KeyId> SimulatedServer::lost_keys() {
    storage::SigningKeyStore store(engine().turns());
    std::set<KeyId> lost = keys_used_;
    if (const auto current = store.find_current()) lost.erase(current->id);
    for (const storage::OldSigningKey& old : store.list_old())
        lost.erase(old.key.id);
    return {lost.begin(), lost.end()};
}

SimulatedServer::Counts SimulatedServer::counts() const {
    Counts counts = counts_;
    if (process_ != nullptr) counts.wrong_times += process_->clock.wrong_answers();
    return counts;
}

engine::Counters SimulatedServer::counters() const {
    engine::Counters sum = past_counters_;
    if (process_ == nullptr || process_->engine == nullptr) return sum;
    const engine::Counters counters = process_->engine->counters();
    for (const engine::NamedCounter& counter : engine::kNamedCounters)
        sum.*counter.count += counters.*counter.count;
    return sum;
}

std::string SimulatedServer::token_of(const std::string& user, const std::string& token) const {
    const auto first = first_tokens_.find(user);
    if (first == first_tokens_.end() || first->second != token) return token;
    const auto now = tokens_.find(user);
    return now == tokens_.end() ? token : now->second;
}

// --- Disks ---------------------------------------------------------------------------------------

void SimulatedServer::change_disk(const std::function<void(SimulatedDisk&)>& change) {
    MATRIX_ASSERT(process_ == nullptr);
    change(disk_);
}

void SimulatedServer::lose_syncs(bool are_lost) {
    has_lied_ = has_lied_ || are_lost;
    disk_.lose_syncs(are_lost);
}

void SimulatedServer::fail_disk(SimulatedDisk::Failing failing) {
    disk_.fail(failing);
    disk_suspect_until_us_ = world_.time.now_us() + kDiskSuspectUs;
}

bool SimulatedServer::is_disk_suspect() const {
    return disk_.failing() != SimulatedDisk::Failing::Nothing ||
           world_.time.now_us() < disk_suspect_until_us_;
}

void SimulatedServer::back_up() {
    backup_ = std::make_unique<SimulatedDisk>(disk_, seed_of(world_.options, number_));
    backup_tokens_ = tokens_;
}

void SimulatedServer::restore() {
    MATRIX_ASSERT(process_ == nullptr && backup_ != nullptr);
    disk_.replace_files(*backup_);
    tokens_ = backup_tokens_;
    note_lost_data("an old backup was put back");
}

void SimulatedServer::wipe() {
    MATRIX_ASSERT(process_ == nullptr);
    disk_.remove_all();
    is_disk_new_ = true;
    note_lost_data("its disk was wiped");
}

void SimulatedServer::note_lost_data(std::string why) {
    if (!lost_data_) lost_data_ = std::move(why);
}

}  // namespace matrix::simulator
