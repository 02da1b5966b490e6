// Password hashes: Argon2id with its parameters and its salt in one text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace matrix::engine {

/// How much work hashing a password is.
enum class PasswordCost {
    Interactive,  ///< 64 MiB, some 70 ms.
    Minimal,      ///< Below a millisecond: development mode and simulation.
};

inline constexpr std::size_t kPasswordSaltBytes = 16;

/// Slow by design: to be called on a worker. The salt is random, of `kPasswordSaltBytes`.
std::string make_password_hash(std::string_view password, std::string_view salt, PasswordCost cost);
/// `hash` is one of `make_password_hash`; as slow as that.
bool is_password_of(std::string_view hash, std::string_view password);

}  // namespace matrix::engine
