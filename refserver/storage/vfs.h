// Vfs: SQLite's files on a `runtime::Disk`, for the simulator.
//
// A real disk has a native folder, and there SQLite's own VFS works, with its locks and its shared
// memory. Here one connection owns its files: locks always succeed, and there is no shared memory,
// so the connection has to set `locking_mode=EXCLUSIVE` before it first reads; SQLite then keeps
// the index of the log on its heap.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "refserver/runtime/disk.h"

struct sqlite3_vfs;

namespace matrix::storage {

class Vfs {
public:
    /// Registers itself with SQLite under `name()`.
    explicit Vfs(runtime::Disk& disk);
    Vfs(const Vfs&) = delete;
    Vfs& operator=(const Vfs&) = delete;
    /// After the last connection that uses it.
    ~Vfs();

    const std::string& name() const { return name_; }

private:
    std::string name_;
    std::unique_ptr<sqlite3_vfs> vfs_;
};

/// Makes what SQLite draws (salts of the log) repeatable: its generator is one per process. A
/// simulation calls this once, before it opens databases.
void seed_sqlite_randomness(std::uint32_t seed);

/// Spares SQLite its locks, of which each of its allocations takes one. For a process in which one
/// thread opens and uses all databases; called before the first of them is opened, else it does
/// nothing.
void run_sqlite_on_one_thread();

}  // namespace matrix::storage
