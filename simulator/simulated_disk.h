// SimulatedDisk: files in memory, with the faults that disks have.
//
// Each file is what a reader sees (live) and what a power cut would leave for certain (durable); in
// between lie the operations that were not synced. A cut keeps an arbitrary part of them: whole
// operations or single sectors, in any order. Bytes around an interrupted write stay as they were
// (what SQLite calls a power-safe overwrite), and an entry that was removed does not come back.
// Pages are shared until they are written, so a copy of a disk is cheap.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/runtime/disk.h"
#include "simulator/simulated_random.h"

namespace matrix::simulator {

class SimulatedDisk final : public runtime::Disk {
public:
    /// Empty. The seed decides what power cuts leave.
    explicit SimulatedDisk(std::uint64_t seed);
    /// The files of `original`, with no faults planned.
    SimulatedDisk(const SimulatedDisk& original, std::uint64_t seed);
    SimulatedDisk(const SimulatedDisk&) = delete;
    SimulatedDisk& operator=(const SimulatedDisk&) = delete;
    ~SimulatedDisk() override;

    std::optional<std::string> native_folder() const override { return std::nullopt; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view name) override;
    bool exists(std::string_view name) const override;
    runtime::DiskStatus remove(std::string_view name) override;

    // Faults.

    /// From now on `random` decides what power cuts leave, in place of the seed; 0: nothing more
    /// than what was synced.
    void decide_by(runtime::Random& random) { decider_ = &random; }
    /// The files of `other`, all of them durable, in place of its own. Files that were open before
    /// fail for ever.
    void replace_files(const SimulatedDisk& other);
    void remove_all();

    /// The operation of this number fails, half done, and every later one until `restore_power`.
    void cut_power_at(std::uint64_t operation) { cut_at_ = operation; }
    void cut_power() { has_power_ = false; }
    bool has_power() const { return has_power_; }
    /// Decides what survived. Files that were open before fail for ever.
    void restore_power();
    /// The process alone died: what it wrote stays, synced or not.
    void restart_process();

    /// Syncs succeed and do nothing: a lying disk.
    void lose_syncs(bool are_lost) { loses_syncs_ = are_lost; }
    /// Writes beyond this sum of file sizes are refused; nothing: no limit.
    void limit_bytes(std::optional<std::uint64_t> bytes_max) { bytes_max_ = bytes_max; }
    /// What fails: nothing; whatever takes room (writes and new files: the disk is full); all that
    /// changes files; reads, too.
    enum class Failing { Nothing, Space, Changes, Everything };
    void fail(Failing failing) { failing_ = failing; }
    /// The same from the operation of this number on.
    void fail_from(std::uint64_t operation, Failing failing) {
        fail_at_ = operation;
        failing_then_ = failing;
    }
    Failing failing() const { return failing_; }

    /// How many operations have changed files, or tried to: writes, truncations, syncs, creations
    /// and removals.
    std::uint64_t operations() const { return operations_; }
    /// The sum of the sizes of all files.
    std::uint64_t bytes() const;
    /// What became of unsynced operations in all power cuts.
    struct CutCounts {
        std::uint64_t kept = 0;
        std::uint64_t torn = 0;
        std::uint64_t lost = 0;
    };
    const CutCounts& cut_counts() const { return cut_counts_; }

private:
    class Image;
    struct Operation;
    struct File;
    class OpenFile;
    enum class Verdict { Proceed, Refuse, NoSpace, CutNow };
    enum class Need { Space, Nothing };

    Verdict begin_operation(Need need);
    void begin_power_cycle();
    void settle_after_cut(File& file);

    runtime::Random& random() { return decider_ == nullptr ? random_ : *decider_; }

    SimulatedRandom random_;
    runtime::Random* decider_ = nullptr;
    std::map<std::string, std::shared_ptr<File>, std::less<>> files_;
    std::uint64_t operations_ = 0;
    std::uint64_t power_cycles_ = 0;
    std::optional<std::uint64_t> cut_at_;
    bool has_power_ = true;
    bool loses_syncs_ = false;
    Failing failing_ = Failing::Nothing;
    std::optional<std::uint64_t> fail_at_;
    Failing failing_then_ = Failing::Nothing;
    std::optional<std::uint64_t> bytes_max_;
    CutCounts cut_counts_;
};

}  // namespace matrix::simulator
