#include "refserver/platform/memory_disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace matrix::platform {
namespace {

class MemoryFile final : public runtime::DiskFile {
public:
    explicit MemoryFile(std::shared_ptr<std::string> bytes) : bytes_(std::move(bytes)) {}

    runtime::DiskStatus read(std::uint64_t offset,
                             std::span<char> into,
                             std::size_t& count) override {
        count = offset < bytes_->size() ? std::min(into.size(), bytes_->size() - offset) : 0;
        std::ranges::fill(into, '\0');
        if (count > 0) std::memcpy(into.data(), bytes_->data() + offset, count);
        return runtime::DiskStatus::Ok;
    }

    runtime::DiskStatus write(std::uint64_t offset, std::span<const char> bytes) override {
        if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
        std::ranges::copy(bytes, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
        return runtime::DiskStatus::Ok;
    }

    runtime::DiskStatus truncate(std::uint64_t size) override {
        bytes_->resize(size);
        return runtime::DiskStatus::Ok;
    }

    runtime::DiskStatus sync() override { return runtime::DiskStatus::Ok; }

    std::uint64_t size() const override { return bytes_->size(); }

private:
    std::shared_ptr<std::string> bytes_;
};

}  // namespace

std::unique_ptr<runtime::DiskFile> MemoryDisk::open(std::string_view name) {
    auto& bytes = files_[std::string(name)];
    if (!bytes) bytes = std::make_shared<std::string>();
    return std::make_unique<MemoryFile>(bytes);
}

bool MemoryDisk::exists(std::string_view name) const {
    return files_.contains(name);
}

runtime::DiskStatus MemoryDisk::remove(std::string_view name) {
    const auto entry = files_.find(name);
    if (entry == files_.end()) return runtime::DiskStatus::IoError;
    files_.erase(entry);
    return runtime::DiskStatus::Ok;
}

}  // namespace matrix::platform
