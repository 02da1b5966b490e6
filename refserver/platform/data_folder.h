// DataFolder: the folder in which one server keeps everything, locked against a second server.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/platform/file_descriptor.h"
#include "refserver/runtime/disk.h"

namespace matrix::platform {

class DataFolder final : public runtime::Disk {
public:
    /// Creates the folder if need be. Fails, in words for the person who started the server, when
    /// another process holds it or it cannot be written to.
    static std::expected<std::unique_ptr<DataFolder>, std::string> open(std::string path);
    /// Keeps servers away from a folder that is there, while what it returns lives; the folder may
    /// be a copy that no server has opened. Changes nothing. Fails as above.
    static std::expected<FileDescriptor, std::string> hold_existing(const std::string& path);
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;

    std::optional<std::string> native_folder() const override { return path_; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view name) override;
    bool exists(std::string_view name) const override;
    runtime::DiskStatus remove(std::string_view name) override;

private:
    DataFolder(std::string path, FileDescriptor lock);
    std::string path_of(std::string_view name) const;

    std::string path_;
    FileDescriptor lock_;
};

}  // namespace matrix::platform
