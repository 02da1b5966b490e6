#include "refserver/platform/log_durability.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace matrix::platform {
LogDurability::LogDurability(runtime::Executor& executor,
                             runtime::Log& log,
                             std::string folder,
                             std::string_view database_name)
    : executor_(executor),
      server_log_(log),
      folder_(std::move(folder)),
      database_path_(folder_ + "/" + std::string(database_name)),
      log_path_(database_path_ + "-wal"),
      thread_([this] { run(); }) {}

LogDurability::~LogDurability() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

runtime::Pending LogDurability::sync(std::move_only_function<void()> done) {
    const std::uint64_t id = callbacks_.add(std::move(done));
    const std::lock_guard lock(mutex_);
    requested_ = id + 1;
    wake_.notify_one();
    return callbacks_.pending(id);
}

runtime::SyncStatistics LogDurability::statistics() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
}

void LogDurability::note_sync(std::int64_t duration_us) {
    const std::lock_guard lock(mutex_);
    ++statistics_.syncs;
    statistics_.total_us += duration_us;
    statistics_.longest_us = std::max(statistics_.longest_us, duration_us);
}

void LogDurability::run() {
    std::uint64_t synced = 0;
    while (true) {
        std::uint64_t requested = 0;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return is_stopping_ || requested_ != synced; });
            if (is_stopping_) return;
            requested = requested_;
        }
        const auto start = std::chrono::steady_clock::now();
        sync_log();
        note_sync(std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::steady_clock::now() - start)
                      .count());
        synced = requested;
        executor_.post([this, requested] { callbacks_.call_all_before(requested); });
    }
}

void LogDurability::sync_log() {
    const bool is_new = open_log_if_new();
    if (log_.is_open()) {
        sync_to_disk(log_, log_path_);
    } else {
        sync_path(
            database_path_);  // Nothing has been logged: what there is stands in the database.
    }
    if (is_new) sync_path(folder_);
}

// SQLite removes the log when its last connection closes; the next one makes another.
bool LogDurability::open_log_if_new() {
    struct stat open_file{};
    struct stat named_file{};
    if (::stat(log_path_.c_str(), &named_file) != 0) {
        if (errno != ENOENT) end_process("find", log_path_);
        log_ = FileDescriptor();
        return true;
    }
    if (log_.is_open()) {
        if (::fstat(log_.number(), &open_file) != 0) end_process("find", log_path_);
        const bool is_same =
            open_file.st_ino == named_file.st_ino && open_file.st_dev == named_file.st_dev;
        if (is_same) return false;
    }
    log_ = FileDescriptor(::open(log_path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!log_.is_open()) end_process("open", log_path_);
    return true;
}

void LogDurability::sync_path(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) end_process("open", path);
    sync_to_disk(file, path);
}

void LogDurability::sync_to_disk(const FileDescriptor& file, const std::string& path) {
    int result = 0;
    do {
        result = ::fdatasync(file.number());
    } while (result != 0 && errno == EINTR);
    if (result != 0) end_process("fdatasync", path);
}

// After a failed sync the kernel may forget which pages were never written: there is no second try.
void LogDurability::end_process(std::string_view doing, const std::string& path) {
    const std::string why = std::string(doing) + ": " + std::strerror(errno);
    server_log_.write("sync_failed", {{"file", path}, {"why", why}});
    std::abort();
}

runtime::Pending ImmediateDurability::sync(std::move_only_function<void()> done) {
    const std::uint64_t id = callbacks_.add(std::move(done));
    executor_.post([this, id] { callbacks_.call(id); });
    return callbacks_.pending(id);
}

}  // namespace matrix::platform
