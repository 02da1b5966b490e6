// Durability of a database on a real disk: one thread that syncs the write-ahead log.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "refserver/platform/callback_table.h"
#include "refserver/platform/file_descriptor.h"
#include "refserver/runtime/durability.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"

namespace matrix::platform {

/// Syncs `<database>-wal`, and the folder when that file is new. One sync serves all requests that
/// arrived before it began. A failure ends the process.
class LogDurability final : public runtime::Durability {
public:
    LogDurability(runtime::Executor& executor,
                  runtime::Log& log,
                  std::string folder,
                  std::string_view database_name);
    LogDurability(const LogDurability&) = delete;
    LogDurability& operator=(const LogDurability&) = delete;
    ~LogDurability() override;

    runtime::Pending sync(std::move_only_function<void()> done) override;
    runtime::SyncStatistics statistics() const override;

private:
    void run();
    void note_sync(std::int64_t duration_us);
    void sync_log();
    bool open_log_if_new();
    void sync_path(const std::string& path);
    void sync_to_disk(const FileDescriptor& file, const std::string& path);
    [[noreturn]] void end_process(std::string_view doing, const std::string& path);

    runtime::Executor& executor_;
    runtime::Log& server_log_;  // From the thread.
    const std::string folder_;
    const std::string database_path_;
    const std::string log_path_;
    CallbackTable<> callbacks_;
    FileDescriptor log_;  // The thread's alone.

    mutable std::mutex mutex_;  // Guards the four that follow.
    std::condition_variable wake_;
    std::uint64_t requested_ = 0;  // All callbacks before this number wait for a sync.
    bool is_stopping_ = false;
    runtime::SyncStatistics statistics_;

    std::thread thread_;
};

/// For a database in memory: there is nothing that a power cut could leave.
class ImmediateDurability final : public runtime::Durability {
public:
    explicit ImmediateDurability(runtime::Executor& executor) : executor_(executor) {}
    ImmediateDurability(const ImmediateDurability&) = delete;
    ImmediateDurability& operator=(const ImmediateDurability&) = delete;

    runtime::Pending sync(std::move_only_function<void()> done) override;

private:
    runtime::Executor& executor_;
    CallbackTable<> callbacks_;
};

}  // namespace matrix::platform
