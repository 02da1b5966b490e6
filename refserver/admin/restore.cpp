#include "refserver/admin/restore.h"

#include <expected>
#include <iostream>
#include <string>

#include "refserver/admin/data_file.h"
#include "refserver/admin/fsck.h"
#include "refserver/admin/new_folder.h"
#include "refserver/base/result_macros.h"
#include "refserver/platform/data_folder.h"
#include "refserver/storage/database.h"
#include "refserver/storage/snapshot.h"

namespace matrix::admin {
namespace {

std::expected<void, std::string> copy_folder(const RestoreCommand& command) {
    ASSIGN_OR_RETURN(const auto held, platform::DataFolder::hold_existing(command.snapshot));
    ASSIGN_OR_RETURN(const ServerName name, read_server_name(command.snapshot));
    const auto database = storage::Database::open_to_read(command.snapshot + "/" + kDatabaseFile);
    if (!database) return std::unexpected(database.error().what);
    auto folder = NewFolder::make(command.data);
    if (!folder) return std::unexpected("--data: " + folder.error());
    // SQLite copies: what is still in the log of a server that was killed belongs to it.
    const auto copied = storage::copy_database(**database, folder->path_of(kDatabaseFile));
    if (!copied) return std::unexpected(copied.error().what);
    RETURN_IF_ERROR(folder->write(kNameFile, name.text()));
    return folder->finish();
}

}  // namespace

int run_restore(const RestoreCommand& command) {
    if (command.wants_check) {
        const int code =
            run_fsck({.data = command.snapshot, .wants_json = false, .is_quiet = true});
        if (code != 0) {
            std::cerr << "refserver restore: nothing is restored from " << command.snapshot << '\n';
            return code;
        }
    }
    const auto outcome = copy_folder(command);
    if (outcome) return 0;
    std::cerr << "refserver restore: " << outcome.error() << '\n';
    return 2;
}

}  // namespace matrix::admin
