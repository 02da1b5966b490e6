// The database's schema as numbered migrations: the only place that creates tables.
//
// A migration is never edited once released; a change is a new number.
#pragma once

#include <span>
#include <string_view>

namespace matrix::storage {

struct Migration {
    int number;  ///< Stored in `user_version`.
    std::string_view name;
    std::string_view sql;  ///< Any number of statements, run in one transaction.
};

/// In ascending order, without gaps, from 1.
std::span<const Migration> all_migrations();

}  // namespace matrix::storage
