// Workers: what takes longer than a turn may take runs elsewhere. Values in, values out.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

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
};

}  // namespace matrix::runtime
