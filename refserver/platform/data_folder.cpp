#include "refserver/platform/data_folder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "refserver/base/assert.h"

namespace matrix::platform {
namespace {

runtime::DiskStatus disk_status_of_errno() {
    return errno == ENOSPC || errno == EDQUOT ? runtime::DiskStatus::Full
                                              : runtime::DiskStatus::IoError;
}

class RealFile final : public runtime::DiskFile {
public:
    explicit RealFile(FileDescriptor file) : file_(std::move(file)) {}

    runtime::DiskStatus read(std::uint64_t offset,
                             std::span<char> into,
                             std::size_t& count) override {
        count = 0;
        while (count < into.size()) {
            const ssize_t n = ::pread(file_.number(),
                                      into.data() + count,
                                      into.size() - count,
                                      static_cast<off_t>(offset + count));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return disk_status_of_errno();
            if (n == 0) break;
            count += static_cast<std::size_t>(n);
        }
        std::memset(into.data() + count, 0, into.size() - count);
        return runtime::DiskStatus::Ok;
    }

    runtime::DiskStatus write(std::uint64_t offset, std::span<const char> bytes) override {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t n = ::pwrite(file_.number(),
                                       bytes.data() + done,
                                       bytes.size() - done,
                                       static_cast<off_t>(offset + done));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return disk_status_of_errno();
            done += static_cast<std::size_t>(n);
        }
        return runtime::DiskStatus::Ok;
    }

    runtime::DiskStatus truncate(std::uint64_t size) override {
        return ::ftruncate(file_.number(), static_cast<off_t>(size)) == 0 ? runtime::DiskStatus::Ok
                                                                          : disk_status_of_errno();
    }

    runtime::DiskStatus sync() override {
        return ::fdatasync(file_.number()) == 0 ? runtime::DiskStatus::Ok : disk_status_of_errno();
    }

    std::uint64_t size() const override {
        struct stat status{};
        return ::fstat(file_.number(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size)
                                                     : 0;
    }

private:
    FileDescriptor file_;
};

}  // namespace

std::expected<std::unique_ptr<DataFolder>, std::string> DataFolder::open(std::string path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return std::unexpected("cannot create " + path + ": " + error.message());

    const std::string lock_path = path + "/lock";
    FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.is_open()) {
        return std::unexpected("cannot write to " + lock_path + ": " + std::strerror(errno));
    }
    // The kernel takes this lock back when the process ends, however it ends.
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::unexpected("another server is using " + path);
        return std::unexpected("cannot lock " + lock_path + ": " + std::strerror(errno));
    }
    return std::unique_ptr<DataFolder>(new DataFolder(std::move(path), std::move(lock)));
}

std::expected<FileDescriptor, std::string> DataFolder::hold_existing(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        return std::unexpected("there is no folder " + path);
    }
    const std::string lock_path = path + "/lock";
    FileDescriptor lock(::open(lock_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!lock.is_open() && errno == ENOENT) return lock;
    if (!lock.is_open()) {
        return std::unexpected("cannot read " + lock_path + ": " + std::strerror(errno));
    }
    if (::flock(lock.number(), LOCK_SH | LOCK_NB) == 0) return lock;
    return std::unexpected("a server is using " + path);
}

DataFolder::DataFolder(std::string path, FileDescriptor lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

std::unique_ptr<runtime::DiskFile> DataFolder::open(std::string_view name) {
    FileDescriptor file(::open(path_of(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.is_open()) return nullptr;
    return std::make_unique<RealFile>(std::move(file));
}

bool DataFolder::exists(std::string_view name) const {
    return ::access(path_of(name).c_str(), F_OK) == 0;
}

runtime::DiskStatus DataFolder::remove(std::string_view name) {
    return ::unlink(path_of(name).c_str()) == 0 ? runtime::DiskStatus::Ok : disk_status_of_errno();
}

std::string DataFolder::path_of(std::string_view name) const {
    MATRIX_ASSERT(name.find('/') == std::string_view::npos);
    return path_ + "/" + std::string(name);
}

}  // namespace matrix::platform
