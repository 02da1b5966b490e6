#include "simulator/older_release.h"

#include <string>
#include <vector>

#include "refserver/base/assert.h"
#include "refserver/storage/database.h"

namespace matrix::simulator {
namespace {

using storage::Database;
using storage::Row;

std::vector<std::string> list_names(Database& database,
                                    std::string_view sql,
                                    std::string_view argument) {
    std::vector<std::string> names;
    database.query(sql, {argument}, [&](const Row& row) {
        names.push_back(row.text(0));
        return true;
    });
    return names;
}

std::string joined_columns(const std::vector<std::string>& columns,
                           std::string_view before,
                           std::string_view after,
                           std::string_view between) {
    std::string text;
    for (const std::string& column : columns) {
        if (!text.empty()) text += between;
        text += before;
        text += column;
        text += after;
    }
    return text;
}

// SQL written from the schema itself: it names no table, and so needs no change with one.
std::uint64_t copy_table(Database& from, Database& to, const std::string& table) {
    const std::vector<std::string> columns =
        list_names(to, "SELECT name FROM pragma_table_info(?1)", table);
    const std::string start =
        "INSERT INTO " + table + " (" + joined_columns(columns, "", "", ", ") + ") VALUES (";
    std::vector<std::string> rows;
    from.query("SELECT " + joined_columns(columns, "quote(", ")", " || ',' || ") + " FROM " + table,
               {},
               [&](const Row& row) {
                   rows.push_back(row.text(0));
                   return true;
               });
    to.execute("DELETE FROM " + table);  // What migrations have put there.
    for (const std::string& row : rows)
        to.execute(start + row + ")");
    return rows.size();
}

}  // namespace

std::uint64_t rewrite_for_older_release(SimulatedDisk& disk, std::string_view database_name) {
    const auto all = storage::all_migrations();
    MATRIX_ASSERT(all.size() > 1);
    storage::DatabaseOptions older_options;
    older_options.migrations = all.first(all.size() - 1);
    SimulatedDisk older_disk(0);
    std::uint64_t rows = 0;
    {
        const auto from = Database::open(disk, database_name, {});
        const auto to = Database::open(older_disk, database_name, older_options);
        MATRIX_ASSERT(from.has_value() && to.has_value());
        const auto tables =
            list_names(**to,
                       "SELECT name FROM sqlite_master WHERE type = ?1 AND name NOT LIKE 'sqlite%'",
                       "table");
        for (const std::string& table : tables)
            rows += copy_table(**from, **to, table);
        MATRIX_ASSERT((*to)->commit().has_value());
        MATRIX_ASSERT((*to)->checkpoint().has_value());
    }
    disk.replace_files(older_disk);
    return rows;
}

}  // namespace matrix::simulator
