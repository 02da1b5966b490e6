#include "refserver/admin/new_folder.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

#include "refserver/base/result_macros.h"
#include "refserver/platform/data_folder.h"
#include "refserver/platform/file_descriptor.h"

namespace matrix::admin {
namespace {

namespace fs = std::filesystem;
using platform::FileDescriptor;

std::unexpected<std::string> fail_with(const std::string& what) {
    return std::unexpected(what + ": " + std::strerror(errno));
}

std::expected<void, std::string> check_free(const std::string& wanted) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(wanted, error);
    if (status.type() == fs::file_type::not_found) return {};
    if (!fs::is_directory(status)) return std::unexpected(wanted + " exists, and is no folder");
    if (auto held = platform::DataFolder::hold_existing(wanted); !held) {
        return std::unexpected(std::move(held).error());
    }
    const bool is_empty = fs::is_empty(wanted, error);
    if (error) return std::unexpected("cannot read " + wanted + ": " + error.message());
    if (!is_empty) return std::unexpected(wanted + " exists, and is not empty");
    return {};
}

std::expected<void, std::string> make_durable(const std::string& folder) {
    const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.number()) != 0) {
        return fail_with("cannot make " + folder + " durable");
    }
    return {};
}

}  // namespace

std::expected<NewFolder, std::string> NewFolder::make(const std::string& wanted) {
    std::error_code error;
    fs::path path = fs::absolute(wanted, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    if (error || !path.has_filename()) return std::unexpected(wanted + " cannot be made");
    RETURN_IF_ERROR(check_free(path.string()));
    fs::create_directories(path.parent_path(), error);
    if (error) return std::unexpected("cannot create " + wanted + ": " + error.message());
    const std::string partial = path.string() + ".partial";
    if (::mkdir(partial.c_str(), 0700) != 0) {
        return fail_with("cannot create " + partial +
                         " (if a command that was killed has left it, remove it)");
    }
    return NewFolder(path.string());
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : wanted_(std::move(other.wanted_)),
      is_unfinished_(std::exchange(other.is_unfinished_, false)) {}

NewFolder::~NewFolder() {
    std::error_code ignored;
    if (is_unfinished_) fs::remove_all(partial(), ignored);
}

std::string NewFolder::path_of(std::string_view name) const {
    return partial() + "/" + std::string(name);
}

std::expected<void, std::string> NewFolder::write(std::string_view name, std::string_view bytes) {
    const std::string path = path_of(name);
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open()) return fail_with("cannot create " + path);
    errno = ENOSPC;  // What a short write means.
    if (::write(file.number(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        ::fdatasync(file.number()) != 0) {
        return fail_with("cannot write " + path);
    }
    return {};
}

std::expected<void, std::string> NewFolder::finish() {
    RETURN_IF_ERROR(make_durable(partial()));
    // Takes the place of an empty folder, and of nothing else.
    if (::rename(partial().c_str(), wanted_.c_str()) != 0) {
        return fail_with("cannot create " + wanted_);
    }
    is_unfinished_ = false;
    return make_durable(fs::path(wanted_).parent_path().string());
}

}  // namespace matrix::admin
