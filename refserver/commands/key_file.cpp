#include "refserver/commands/key_file.h"

#include <charconv>
#include <sstream>
#include <vector>

#include "refserver/base/result_macros.h"
#include "refserver/protocol/base64.h"

namespace matrix::commands {
namespace {

constexpr std::size_t kKeyBytes = 32;

std::unexpected<InputError> refuse_key(Place place, std::string field, std::string expected) {
    return std::unexpected(InputError{std::move(place), std::move(field), std::move(expected)});
}

std::expected<void, InputError> add_line(const std::string& line,
                                         const Place& place,
                                         KeyRing& ring) {
    std::istringstream in(line.substr(0, line.find('#')));
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    if (words.empty()) return {};
    if (words.size() < 3 || words.size() > 4) {
        return refuse_key(place, "", "\"server_name key_id base64_key [valid_until_ts]\", or JSON");
    }
    auto server = parse_server_name(words[0]);
    if (!server) return refuse_key(place, "server_name", std::move(server).error().what);
    auto key_id = parse_key_id(words[1]);
    if (!key_id) return refuse_key(place, "key_id", std::move(key_id).error().what);
    auto bytes = decode_base64(words[2]);
    if (!bytes || bytes->size() != kKeyBytes) return refuse_key(place, "key", "32 bytes in base64");
    ServerKey key{*std::move(bytes), INT64_MAX, false};
    if (words.size() == 4) {
        const char* end = words[3].data() + words[3].size();
        const auto [rest, error] = std::from_chars(words[3].data(), end, key.valid_until_ts);
        if (error != std::errc() || rest != end) {
            return refuse_key(place, "valid_until_ts", "milliseconds since 1970");
        }
    }
    ring[*std::move(server)].insert_or_assign(*std::move(key_id), std::move(key));
    return {};
}

std::expected<void, InputError> add_answer(const json::Value& value,
                                           const Place& place,
                                           KeyRing& ring) {
    const json::Object* document = value.if_object();
    if (!document) return refuse_key(place, "", "a key document");
    const auto keys = parse_server_keys(*document, ed25519_verifier());
    if (!keys) return refuse_key(place, keys.error().field, keys.error().what);
    auto& known = ring[keys->server];
    for (const auto& [id, key] : keys->keys) {
        const auto [entry, is_new] = known.try_emplace(id, key);
        if (!is_new && entry->second.valid_until_ts < key.valid_until_ts) entry->second = key;
    }
    return {};
}

}  // namespace

std::expected<void, InputError> read_keys(std::string_view text,
                                          const std::string& file,
                                          KeyRing& ring) {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start != std::string_view::npos && (text[start] == '{' || text[start] == '[')) {
        ASSIGN_OR_RETURN(const json::Value document, parse_document(text, file));
        const json::Array* list = document.if_array();
        if (!list) list = document.find_array("server_keys");
        if (!list) return add_answer(document, {.file = file}, ring);
        for (std::size_t index = 0; index < list->size(); ++index) {
            const Place place{.file = file,
                              .path = std::string(document.if_array() ? "" : "server_keys") + '[' +
                                      std::to_string(index) + ']'};
            RETURN_IF_ERROR(add_answer((*list)[index], place, ring));
        }
        return {};
    }
    std::istringstream lines{std::string(text)};
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        RETURN_IF_ERROR(add_line(line, {.file = file, .line = ++number}, ring));
    }
    return {};
}

}  // namespace matrix::commands
