// MemoryDisk: files that end with the process, for a server without a data folder.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/runtime/disk.h"

namespace matrix::platform {

class MemoryDisk final : public runtime::Disk {
public:
    std::optional<std::string> native_folder() const override { return std::nullopt; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view name) override;
    bool exists(std::string_view name) const override;
    runtime::DiskStatus remove(std::string_view name) override;

private:
    std::map<std::string, std::shared_ptr<std::string>, std::less<>> files_;
};

}  // namespace matrix::platform
