#include "simulator/simulated_disk.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "refserver/base/assert.h"

namespace matrix::simulator {

using runtime::DiskStatus;

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kSectorBytes = 512;

using DiskPage = std::array<char, kPageBytes>;

/// Memory of the size of a page that was given back, for the next pages and writes: the general
/// allocator would cut and join blocks for each, and a simulated disk consists of them.
class BlockMemory {
public:
    /// A page, or the text of a page, with what is counted and kept beside it.
    static constexpr std::size_t kBlockBytes = kPageBytes + 64;

    BlockMemory() = default;
    BlockMemory(const BlockMemory&) = delete;
    BlockMemory& operator=(const BlockMemory&) = delete;
    ~BlockMemory() {
        for (void* block : free_)
            ::operator delete(block);
    }
    void* take() {
        if (free_.empty()) return ::operator new(kBlockBytes);
        void* block = free_.back();
        free_.pop_back();
        return block;
    }
    void give(void* block) {
        if (free_.size() >= kBlocksKept) return ::operator delete(block);
        free_.push_back(block);
    }

private:
    static constexpr std::size_t kBlocksKept = 4096;
    std::vector<void*> free_;
};

/// What is about as large as a page comes from there.
template <class T>
struct BlockAllocator {
    using value_type = T;
    BlockAllocator() = default;
    template <class Other>
    BlockAllocator(const BlockAllocator<Other>&) {}

    static BlockMemory& memory() {
        static thread_local BlockMemory memory;
        return memory;
    }
    static bool is_block(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        return bytes > BlockMemory::kBlockBytes / 2 && bytes <= BlockMemory::kBlockBytes;
    }
    T* allocate(std::size_t count) {
        return static_cast<T*>(is_block(count) ? memory().take()
                                               : ::operator new(count * sizeof(T)));
    }
    void deallocate(T* block, std::size_t count) {
        is_block(count) ? memory().give(block) : ::operator delete(block);
    }
    friend bool operator==(const BlockAllocator&, const BlockAllocator&) { return true; }
};

using WrittenBytes = std::basic_string<char, std::char_traits<char>, BlockAllocator<char>>;

std::shared_ptr<DiskPage> make_page() {
    return std::allocate_shared_for_overwrite<DiskPage>(BlockAllocator<DiskPage>());
}

}  // namespace

/// Contents as pages that images share until one of them writes.
class SimulatedDisk::Image {
public:
    std::uint64_t size() const { return size_; }

    std::size_t read(std::uint64_t offset, std::span<char> into) const {
        const std::size_t count =
            offset < size_ ? std::min<std::uint64_t>(into.size(), size_ - offset) : 0;
        std::ranges::fill(into.subspan(count), '\0');
        for (std::size_t done = 0; done < count;) {
            const std::uint64_t place = offset + done;
            const std::size_t part =
                std::min<std::uint64_t>(count - done, kPageBytes - place % kPageBytes);
            const std::span into_part = into.subspan(done, part);
            if (const auto& page = pages_[place / kPageBytes]; page != nullptr) {
                std::copy_n(page->data() + place % kPageBytes, part, into_part.begin());
            } else {
                std::ranges::fill(into_part, '\0');
            }
            done += part;
        }
        return count;
    }

    void write(std::uint64_t offset, std::span<const char> bytes) {
        grow_to(offset + bytes.size());
        for (std::size_t done = 0; done < bytes.size();) {
            const std::uint64_t place = offset + done;
            const std::size_t part =
                std::min<std::uint64_t>(bytes.size() - done, kPageBytes - place % kPageBytes);
            DiskPage& page = own_page(place / kPageBytes,
                                      part == kPageBytes ? Contents::Unneeded : Contents::Kept);
            std::copy_n(bytes.data() + done, part, page.data() + place % kPageBytes);
            done += part;
        }
    }

    void truncate(std::uint64_t size) {
        if (size >= size_) return grow_to(size);
        pages_.resize((size + kPageBytes - 1) / kPageBytes);
        size_ = size;
        // What a later write leaves out between the two ends reads as zeros.
        if (size % kPageBytes != 0 && pages_.back() != nullptr) {
            DiskPage& page = own_page(pages_.size() - 1, Contents::Kept);
            std::fill(
                page.begin() + static_cast<std::ptrdiff_t>(size % kPageBytes), page.end(), '\0');
        }
    }

    /// Takes over all that changed in `newer`, which differs only from byte `from` to `to` and in
    /// its size.
    void adopt(const Image& newer, std::uint64_t from, std::uint64_t to) {
        pages_.resize(newer.pages_.size());
        size_ = newer.size_;
        const std::uint64_t end = std::min<std::uint64_t>(to / kPageBytes + 1, pages_.size());
        for (std::uint64_t page = from / kPageBytes; page < end; ++page) {
            pages_[page] = newer.pages_[page];
        }
    }

private:
    void grow_to(std::uint64_t size) {
        if (size <= size_) return;
        pages_.resize((size + kPageBytes - 1) / kPageBytes);
        size_ = size;
    }
    enum class Contents { Kept, Unneeded };
    DiskPage& own_page(std::uint64_t number, Contents contents) {
        std::shared_ptr<DiskPage>& page = pages_[number];
        if (page != nullptr && page.use_count() == 1) return *page;
        auto own = make_page();
        if (contents == Contents::Kept) {
            if (page == nullptr) {
                own->fill('\0');
            } else {
                *own = *page;
            }
        }
        page = std::move(own);
        return *page;
    }

    std::vector<std::shared_ptr<DiskPage>> pages_;  ///< Null: zeros.
    std::uint64_t size_ = 0;
};

struct SimulatedDisk::Operation {
    enum class Kind { Write, Truncate };
    Kind kind;
    std::uint64_t offset;  ///< The new size of a truncation.
    WrittenBytes bytes;

    /// Where its effect ends.
    std::uint64_t end() const {
        if (kind == Kind::Truncate) return std::numeric_limits<std::uint64_t>::max();
        return offset + bytes.size();
    }
    void apply(Image& image) const {
        if (kind == Kind::Truncate) return image.truncate(offset);
        image.write(offset, bytes);
    }
};

struct SimulatedDisk::File {
    Image live;
    Image durable;
    std::vector<Operation> unsynced;
    bool is_entry_durable = false;

    void sync() {
        for (const Operation& operation : unsynced) {
            durable.adopt(live, operation.offset, operation.end());
        }
        unsynced.clear();
        is_entry_durable = true;
    }
};

class SimulatedDisk::OpenFile final : public runtime::DiskFile {
public:
    OpenFile(SimulatedDisk& disk, std::shared_ptr<File> file)
        : disk_(disk), file_(std::move(file)), power_cycle_(disk.power_cycles_) {}

    DiskStatus read(std::uint64_t offset, std::span<char> into, std::size_t& count) override {
        count = 0;
        if (is_stale() || !disk_.has_power_ || disk_.failing_ == Failing::Everything) {
            return DiskStatus::IoError;
        }
        count = file_->live.read(offset, into);
        return DiskStatus::Ok;
    }

    DiskStatus write(std::uint64_t offset, std::span<const char> bytes) override {
        if (is_stale()) return DiskStatus::IoError;
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t growth = end > file_->live.size() ? end - file_->live.size() : 0;
        if (disk_.bytes_max_ && growth > 0 && disk_.bytes() + growth > *disk_.bytes_max_) {
            return DiskStatus::Full;
        }
        return change({Operation::Kind::Write, offset, WrittenBytes(bytes.data(), bytes.size())},
                      Need::Space);
    }

    DiskStatus truncate(std::uint64_t size) override {
        if (is_stale()) return DiskStatus::IoError;
        return change({Operation::Kind::Truncate, size, {}}, Need::Nothing);
    }

    DiskStatus sync() override {
        if (is_stale() || disk_.begin_operation(Need::Nothing) != Verdict::Proceed) {
            return DiskStatus::IoError;
        }
        if (!disk_.loses_syncs_) file_->sync();
        return DiskStatus::Ok;
    }

    std::uint64_t size() const override { return file_->live.size(); }

private:
    bool is_stale() const { return power_cycle_ != disk_.power_cycles_; }

    DiskStatus change(Operation operation, Need need) {
        const Verdict verdict = disk_.begin_operation(need);
        if (verdict == Verdict::Refuse) return DiskStatus::IoError;
        if (verdict == Verdict::NoSpace) return DiskStatus::Full;
        operation.apply(file_->live);
        file_->unsynced.push_back(std::move(operation));
        return verdict == Verdict::Proceed ? DiskStatus::Ok : DiskStatus::IoError;
    }

    SimulatedDisk& disk_;
    std::shared_ptr<File> file_;
    std::uint64_t power_cycle_;
};

SimulatedDisk::SimulatedDisk(std::uint64_t seed) : random_(seed) {}

SimulatedDisk::SimulatedDisk(const SimulatedDisk& original, std::uint64_t seed) : random_(seed) {
    for (const auto& [name, file] : original.files_) {
        files_.emplace(name, std::make_shared<File>(*file));
    }
}

SimulatedDisk::~SimulatedDisk() = default;

SimulatedDisk::Verdict SimulatedDisk::begin_operation(Need need) {
    if (!has_power_) return Verdict::Refuse;
    if (fail_at_ && operations_ >= *fail_at_) {
        fail_at_.reset();
        failing_ = failing_then_;
    }
    if (failing_ == Failing::Changes || failing_ == Failing::Everything) return Verdict::Refuse;
    if (failing_ == Failing::Space && need == Need::Space) return Verdict::NoSpace;
    if (operations_++ != cut_at_) return Verdict::Proceed;
    has_power_ = false;
    return Verdict::CutNow;
}

std::unique_ptr<runtime::DiskFile> SimulatedDisk::open(std::string_view name) {
    auto place = files_.find(name);
    if (place == files_.end()) {
        if (begin_operation(Need::Space) != Verdict::Proceed) return nullptr;
        place = files_.emplace(std::string(name), std::make_shared<File>()).first;
    }
    if (!has_power_) return nullptr;
    return std::make_unique<OpenFile>(*this, place->second);
}

bool SimulatedDisk::exists(std::string_view name) const {
    return files_.contains(name);
}

DiskStatus SimulatedDisk::remove(std::string_view name) {
    const auto place = files_.find(name);
    if (place == files_.end()) return DiskStatus::IoError;
    const Verdict verdict = begin_operation(Need::Nothing);
    const bool is_done =
        verdict == Verdict::Proceed || (verdict == Verdict::CutNow && random().one_in(2));
    if (is_done) files_.erase(place);
    return verdict == Verdict::Proceed ? DiskStatus::Ok : DiskStatus::IoError;
}

std::uint64_t SimulatedDisk::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [name, file] : files_)
        sum += file->live.size();
    return sum;
}

void SimulatedDisk::restore_power() {
    for (auto place = files_.begin(); place != files_.end();) {
        File& file = *place->second;
        if (!file.is_entry_durable && random().one_in(2)) {
            cut_counts_.lost += file.unsynced.size();
            place = files_.erase(place);
            continue;
        }
        settle_after_cut(file);
        ++place;
    }
    begin_power_cycle();
}

void SimulatedDisk::replace_files(const SimulatedDisk& other) {
    files_.clear();
    for (const auto& [name, file] : other.files_) {
        const auto copy = std::make_shared<File>(*file);
        copy->sync();
        files_.emplace(name, copy);
    }
    begin_power_cycle();
}

void SimulatedDisk::remove_all() {
    files_.clear();
    begin_power_cycle();
}

void SimulatedDisk::restart_process() {
    begin_power_cycle();
}

void SimulatedDisk::begin_power_cycle() {
    ++power_cycles_;
    cut_at_.reset();
    fail_at_.reset();
    failing_ = Failing::Nothing;
    has_power_ = true;
}

/// Caches differ: some have written nothing, some everything up to a point, some what they liked.
void SimulatedDisk::settle_after_cut(File& file) {
    enum class Cache { Nothing, Prefix, Operations, Sectors };
    const auto cache = static_cast<Cache>(random().below(4));
    const std::size_t count = file.unsynced.size();
    const std::size_t prefix = cache == Cache::Prefix ? random().below(count + 1) : 0;
    for (std::size_t place = 0; place < count; ++place) {
        const Operation& operation = file.unsynced[place];
        const bool is_torn = operation.kind == Operation::Kind::Write &&
                             (cache == Cache::Sectors || (place == prefix && prefix > 0));
        if (is_torn) {
            ++cut_counts_.torn;
            for (std::uint64_t from = operation.offset; from < operation.end();) {
                const std::uint64_t to =
                    std::min(operation.end(), (from / kSectorBytes + 1) * kSectorBytes);
                const std::span part =
                    std::span(operation.bytes).subspan(from - operation.offset, to - from);
                if (random().one_in(2)) file.durable.write(from, part);
                from = to;
            }
            continue;
        }
        const bool is_kept =
            place < prefix ||
            ((cache == Cache::Operations || cache == Cache::Sectors) && random().one_in(2));
        ++(is_kept ? cut_counts_.kept : cut_counts_.lost);
        if (is_kept) operation.apply(file.durable);
    }
    file.unsynced.clear();
    file.live = file.durable;
    file.is_entry_durable = true;
}

}  // namespace matrix::simulator
