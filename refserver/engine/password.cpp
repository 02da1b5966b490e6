#include "refserver/engine/password.h"

#include <array>
#include <charconv>
#include <vector>

#include <sodium.h>

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kHashBytes = 32;

struct Parameters {
    std::uint64_t operations;
    std::uint64_t memory_bytes;
};

Parameters parameters_of(PasswordCost cost) {
    switch (cost) {
        case PasswordCost::Interactive:
            return {crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE};
        case PasswordCost::Minimal:
            return {crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN};
    }
    unreachable();
}

// Not crypto_pwhash_str: it draws its salt where no simulation can see it.
std::string argon2id(std::string_view password, std::string_view salt, Parameters parameters) {
    MATRIX_ASSERT(salt.size() == crypto_pwhash_SALTBYTES);
    std::string hash(kHashBytes, '\0');
    const int failure = crypto_pwhash(reinterpret_cast<unsigned char*>(hash.data()),
                                      hash.size(),
                                      password.data(),
                                      password.size(),
                                      reinterpret_cast<const unsigned char*>(salt.data()),
                                      parameters.operations,
                                      parameters.memory_bytes,
                                      crypto_pwhash_ALG_ARGON2ID13);
    MATRIX_ASSERT(failure == 0);  // Only for want of memory.
    return hash;
}

// "argon2id$OPERATIONS$MEMORY$SALT$HASH" into its five parts.
std::array<std::string_view, 5> split_hash(std::string_view text) {
    std::array<std::string_view, 5> parts;
    for (std::string_view& part : parts) {
        part = text.substr(0, text.find('$'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
    }
    return parts;
}

std::uint64_t parse_stored_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    MATRIX_ASSERT(result.ec == std::errc{});
    return number;
}

}  // namespace

std::string make_password_hash(std::string_view password,
                               std::string_view salt,
                               PasswordCost cost) {
    const Parameters parameters = parameters_of(cost);
    return "argon2id$" + std::to_string(parameters.operations) + "$" +
           std::to_string(parameters.memory_bytes) + "$" + encode_base64(salt) + "$" +
           encode_base64(argon2id(password, salt, parameters));
}

bool is_password_of(std::string_view hash, std::string_view password) {
    const auto [name, operations, memory, salt, expected] = split_hash(hash);
    const auto salt_bytes = decode_base64(salt);
    const auto expected_bytes = decode_base64(expected);
    MATRIX_ASSERT(name == "argon2id" && salt_bytes && expected_bytes);
    MATRIX_ASSERT(expected_bytes->size() == kHashBytes);
    const Parameters parameters{parse_stored_number(operations), parse_stored_number(memory)};
    const std::string actual = argon2id(password, *salt_bytes, parameters);
    return sodium_memcmp(actual.data(), expected_bytes->data(), kHashBytes) == 0;
}

}  // namespace matrix::engine
