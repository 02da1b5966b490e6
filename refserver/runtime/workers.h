// Workers: what takes longer than a turn may take runs elsewhere. Values in, values out.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "refserver/runtime/completion.h"
#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// A kind of work; each has its own queue, so that one kind does not hold up another.
enum class Lane {
    Passwords,    ///< Slow hashing by design.
    Signatures,   ///< Batches of signature checks.
    Queries,      ///< Reads without a small limit, on a connection of their own.
    Checkpoints,  ///< Moves the database's log into its file, on a connection of its own.
};
inline constexpr std::size_t kLaneCount = static_cast<std::size_t>(Lane::Checkpoints) + 1;

class Workers {
public:
    virtual ~Workers() = default;

    /// Runs `job` off the loop, then `done` on it. A cancelled job may still run; `done` does not.
    virtual Pending start(Lane lane,
                          std::move_only_function<void()> job,
                          std::move_only_function<void()> done) = 0;

    /// `auto hash = co_await workers.run<std::string>(Lane::Passwords, [password] { ... });`
    /// The job owns its inputs: it must not refer to anything of the engine.
    template <class T>
    Completion<T> run(Lane lane, std::move_only_function<T()> job) {
        return Completion<T>(
            [this, lane, job = std::move(job)](typename Completion<T>::Done done) mutable {
                auto result = std::make_shared<std::optional<T>>();
                return start(
                    lane,
                    [job = std::move(job), result]() mutable { result->emplace(job()); },
                    [done = std::move(done), result]() mutable { done(std::move(**result)); });
            });
    }

    /// Runs all jobs, as many at a time as the lane has threads; goes on when the last has ended.
    Completion<bool> run_all(Lane lane, std::vector<std::move_only_function<void()>> jobs) {
        return Completion<bool>(
            [this, lane, jobs = std::move(jobs)](Completion<bool>::Done done) mutable {
                auto left = std::make_shared<std::size_t>(jobs.size());
                auto shared_done = std::make_shared<Completion<bool>::Done>(std::move(done));
                std::vector<Pending> pending;
                if (jobs.empty()) (*shared_done)(true);
                for (auto& job : jobs) {
                    pending.push_back(start(lane, std::move(job), [left, shared_done] {
                        if (--*left == 0) (*shared_done)(true);
                    }));
                }
                return Pending([pending = std::move(pending)]() mutable { pending.clear(); });
            });
    }
};

}  // namespace matrix::runtime
