// Any bytes as the Authorization header of a federation request.

#include "refserver/protocol/x_matrix.h"

#include "fuzz/target.h"
#include "refserver/protocol/utf8.h"

namespace matrix::fuzz {
namespace {

const char* law_broken_by(const XMatrix& parsed) {
    if (!parse_server_name(parsed.origin.view())) return "an origin is a server name";
    if (parsed.destination && !parse_server_name(parsed.destination->view())) {
        return "a destination is a server name";
    }
    const auto again = parse_x_matrix(write_x_matrix(parsed));
    if (!again || again->origin != parsed.origin || again->destination != parsed.destination ||
        again->key_id != parsed.key_id || again->signature != parsed.signature) {
        return "a header that is written is read back";
    }
    return nullptr;
}

}  // namespace

Outcome run_x_matrix(std::string_view bytes) {
    const auto parsed = parse_x_matrix(bytes);
    const char* law = nullptr;
    if (!parsed && parsed.error().what.empty()) law = "an error says what was expected";
    if (parsed) law = law_broken_by(*parsed);
    if (!law) return std::nullopt;
    return Finding{law, {{"header", is_valid_utf8(bytes) ? json::Value(bytes) : json::Value()}}};
}

}  // namespace matrix::fuzz
