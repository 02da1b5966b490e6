#include "refserver/storage/vfs.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <sqlite3.h>

#include "refserver/base/assert.h"

namespace matrix::storage {

namespace {

using runtime::DiskFile;
using runtime::DiskStatus;

/// What SQLite allocates for an open file.
struct VfsFile {
    sqlite3_file base;
    DiskFile* file;
};

DiskFile& file_of(sqlite3_file* handle) {
    return *reinterpret_cast<VfsFile*>(handle)->file;
}

int result_code(DiskStatus status, int io_error) {
    switch (status) {
        case DiskStatus::Ok:
            return SQLITE_OK;
        case DiskStatus::Full:
            return SQLITE_FULL;
        case DiskStatus::IoError:
            return io_error;
    }
    unreachable();
}

int close_file(sqlite3_file* handle) {
    delete &file_of(handle);
    return SQLITE_OK;
}

int read_file(sqlite3_file* handle, void* into, int count, sqlite3_int64 offset) {
    const std::span bytes(static_cast<char*>(into), static_cast<std::size_t>(count));
    std::size_t existing = 0;
    const DiskStatus status =
        file_of(handle).read(static_cast<std::uint64_t>(offset), bytes, existing);
    if (status != DiskStatus::Ok) return SQLITE_IOERR_READ;
    return existing < bytes.size() ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

int write_file(sqlite3_file* handle, const void* from, int count, sqlite3_int64 offset) {
    const std::span bytes(static_cast<const char*>(from), static_cast<std::size_t>(count));
    return result_code(file_of(handle).write(static_cast<std::uint64_t>(offset), bytes),
                       SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* handle, sqlite3_int64 size) {
    return result_code(file_of(handle).truncate(static_cast<std::uint64_t>(size)),
                       SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* handle, int) {
    return result_code(file_of(handle).sync(), SQLITE_IOERR_FSYNC);
}

int file_size(sqlite3_file* handle, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(file_of(handle).size());
    return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) {
    return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file*, int* is_reserved) {
    *is_reserved = 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
    return 512;
}

// A write that is interrupted leaves the bytes around it alone, as SQLite assumes of real disks.
int device_characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: no shared memory.
constexpr sqlite3_io_methods kFileMethods{
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
};

runtime::Disk& disk_of(sqlite3_vfs* vfs) {
    return *static_cast<runtime::Disk*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* handle, int flags, int* out_flags) {
    handle->pMethods = nullptr;
    // Temporary files have no name; `temp_store` keeps them in memory.
    if (name == nullptr) return SQLITE_CANTOPEN;
    runtime::Disk& disk = disk_of(vfs);
    if ((flags & SQLITE_OPEN_CREATE) == 0 && !disk.exists(name)) return SQLITE_CANTOPEN;
    std::unique_ptr<DiskFile> file = disk.open(name);
    if (file == nullptr) return SQLITE_CANTOPEN;
    reinterpret_cast<VfsFile*>(handle)->file = file.release();
    handle->pMethods = &kFileMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
    runtime::Disk& disk = disk_of(vfs);
    if (!disk.exists(name)) return SQLITE_IOERR_DELETE_NOENT;
    return result_code(disk.remove(name), SQLITE_IOERR_DELETE);
}

int check_access(sqlite3_vfs* vfs, const char* name, int, int* result) {
    *result = disk_of(vfs).exists(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

// Time stands still and sleeping takes none: nothing of ours asks SQLite for either.
int sleep(sqlite3_vfs*, int microseconds) {
    return microseconds;
}

int current_time(sqlite3_vfs*, double* julian_day) {
    *julian_day = 2440587.5;  // The Unix epoch.
    return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

// Only asked for the names of temporary files; the salts of logs come from SQLite's own generator.
int fill_with_zeros(sqlite3_vfs*, int count, char* out) {
    std::fill_n(out, count, '\0');
    return count;
}

}  // namespace

Vfs::Vfs(runtime::Disk& disk) : vfs_(std::make_unique<sqlite3_vfs>()) {
    // SQLite finds a VFS by name alone, so the name has to be unique in the process.
    char name[32];
    sqlite3_snprintf(sizeof(name), name, "disk-%p", static_cast<void*>(this));
    name_ = name;
    *vfs_ = sqlite3_vfs{
        .iVersion = 1,
        .szOsFile = sizeof(VfsFile),
        .mxPathname = 256,
        .zName = name_.c_str(),
        .pAppData = &disk,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = check_access,
        .xFullPathname = full_name,
        .xRandomness = fill_with_zeros,
        .xSleep = sleep,
        .xCurrentTime = current_time,
        .xGetLastError = last_error,
    };
    MATRIX_ASSERT(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK);
}

Vfs::~Vfs() {
    sqlite3_vfs_unregister(vfs_.get());
}

void seed_sqlite_randomness(std::uint32_t seed) {
    sqlite3_initialize();
    // Zero would mean "from the operating system".
    const int value = static_cast<int>(seed | 1U);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, value, nullptr);
}

void run_sqlite_on_one_thread() {
    // Refused, and not needed, once SQLite is at work.
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace matrix::storage
