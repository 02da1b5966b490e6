// Disk: files that SQLite lives in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace matrix::runtime {

enum class DiskStatus { Ok, IoError, Full };

/// An open file. Reads beyond its end give zeros.
class DiskFile {
public:
    virtual ~DiskFile() = default;
    /// The number of bytes that existed, or an error.
    virtual DiskStatus read(std::uint64_t offset, std::span<char> into, std::size_t& count) = 0;
    virtual DiskStatus write(std::uint64_t offset, std::span<const char> bytes) = 0;
    virtual DiskStatus truncate(std::uint64_t size) = 0;
    /// After this returns Ok, everything written before survives a power cut.
    virtual DiskStatus sync() = 0;
    virtual std::uint64_t size() const = 0;
};

class Disk {
public:
    virtual ~Disk() = default;

    /// The real disk: the folder in which SQLite's own VFS works, with its locks and shared memory.
    /// Then the functions below are not used by the database. Nothing: they are all there is.
    virtual std::optional<std::string> native_folder() const = 0;

    /// Opens a file, and creates it if need be; null when that is impossible.
    virtual std::unique_ptr<DiskFile> open(std::string_view name) = 0;
    virtual bool exists(std::string_view name) const = 0;
    virtual DiskStatus remove(std::string_view name) = 0;
};

}  // namespace matrix::runtime
