// Any bytes as JSON: which are taken, what is written, and does another author's parser agree?
//
// Laws P-J of the protocol's tests, without knowing what the bytes mean.

#include <nlohmann/json.hpp>

#include "fuzz/target.h"
#include "refserver/protocol/utf8.h"

namespace matrix::fuzz {
namespace {

using Parsed = std::expected<json::Value, json::ParseError>;
using Other = nlohmann::json;

json::Value written(const Parsed& parsed) {
    return parsed ? json::Value(json::write(*parsed)) : json::Value();
}

// JSON holds no text that is no UTF-8; the raw bytes stand in `fuzz_input`.
json::Value readable(std::string_view bytes) {
    return is_valid_utf8(bytes) ? json::Value(bytes) : json::Value();
}

// The same bytes as a case of fixtures/vectors/canonical_json.json.
Finding canonical_finding(const char* law,
                          std::string_view bytes,
                          const Parsed& strict,
                          const Parsed& lenient) {
    return {
        law,
        {{"input", readable(bytes)}, {"strict", written(strict)}, {"lenient", written(lenient)}}};
}

// What we refuse and nlohmann_json takes: it skips a BOM, stops at NUL, and RFC 8259 leaves it open
// whether keys are unique and how deep a document may be.
bool is_refused_on_purpose(std::string_view bytes, const json::ParseError& error) {
    const std::string_view rest = bytes.substr(error.offset);
    return rest.starts_with("\xef\xbb\xbf") || rest.starts_with('\0') ||
           error.what == "keys that are unique" ||
           error.what == "a document that is nested less deeply";
}

const char* law_broken_by_other(std::string_view bytes,
                                const Parsed& strict,
                                const Parsed& lenient) {
    const Other other = Other::parse(bytes, nullptr, false);
    if (other.is_discarded()) {
        // It cannot hold a number like 1e400, which lenient rooms take.
        return strict ? "strictly accepted JSON is JSON to nlohmann_json" : nullptr;
    }
    if (!lenient) {
        return is_refused_on_purpose(bytes, lenient.error())
                   ? nullptr
                   : "what nlohmann_json takes is refused only for keys, depth, BOM or NUL";
    }
    if (strict && other.dump() != json::write(*strict)) {
        return "nlohmann_json writes strictly accepted JSON in the same way";
    }
    return nullptr;
}

const char* law_broken_by_writing(std::string_view bytes,
                                  const Parsed& strict,
                                  const Parsed& lenient) {
    if (!is_valid_utf8(bytes)) return "accepted JSON is UTF-8";
    if (strict.has_value() != json::has_only_canonical_numbers(*lenient)) {
        return "strict refuses nothing but numbers of what lenient takes";
    }
    const std::string text = json::write(*lenient);
    if (strict && (*strict != *lenient || json::write(*strict) != text)) {
        return "strict and lenient read the same from what both take";
    }
    const Parsed again = json::parse(text, json::Numbers::Any);
    if (!again || json::write(*again) != text) return "canonical JSON is a fixed point";
    if (strict && *again != *strict) return "canonical JSON is parsed back to the same value";
    if (json::depth_of(*again) != json::depth_of(*lenient)) return "writing keeps the depth";
    return nullptr;
}

}  // namespace

Outcome run_canonical_json(std::string_view bytes) {
    const Parsed strict = json::parse(bytes, json::Numbers::Canonical);
    const Parsed lenient = json::parse(bytes, json::Numbers::Any);
    const char* law = nullptr;
    if (strict && !lenient) law = "lenient takes what strict takes";
    if (!lenient && lenient.error().offset > bytes.size()) law = "an error lies in the text";
    if (!law && lenient) law = law_broken_by_writing(bytes, strict, lenient);
    if (!law) law = law_broken_by_other(bytes, strict, lenient);
    if (!law) return std::nullopt;
    return canonical_finding(law, bytes, strict, lenient);
}

}  // namespace matrix::fuzz
