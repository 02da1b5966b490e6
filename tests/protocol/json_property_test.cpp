// Laws of JSON and canonical JSON, for all values and all byte strings.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refserver/protocol/json.h"
#include "refserver/protocol/utf8.h"
#include "tests/protocol/draw.h"

namespace matrix::json {
namespace {

using Parsed = std::expected<Value, ParseError>;

// J1
RC_GTEST_PROP(CanonicalJson, ParsesBackToTheSameValueAndIsWrittenTheSameAgain, ()) {
    const Value value = draw::value();
    const std::string text = write(value);
    const Parsed parsed = parse(text);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == value);
    RC_ASSERT(write(*parsed) == text);
}

// J2
RC_GTEST_PROP(CanonicalJson, DoesNotDependOnOrderWhiteSpaceOrEscapes, ()) {
    const Value value = draw::value();
    const std::string spelling = draw::spelling(value);
    const Parsed parsed = parse(spelling);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(write(*parsed) == write(value));
}

// J3
RC_GTEST_PROP(CanonicalJson, IsTheSameForEqualValuesOnly, ()) {
    const Value a = draw::value(1);
    const Value b = draw::value(1);
    RC_ASSERT((write(a) == write(b)) == (a == b));
}

// Recognises the grammar of the appendix, and that keys ascend strictly as code points.
class Grammar {
public:
    static bool matches(std::string_view text) {
        Grammar grammar(text);
        return grammar.value() && grammar.rest_.empty();
    }

private:
    explicit Grammar(std::string_view text) : rest_(text) {}

    bool take(std::string_view literal) {
        if (!rest_.starts_with(literal)) return false;
        rest_.remove_prefix(literal.size());
        return true;
    }
    bool value() {
        std::string ignored;
        if (rest_.starts_with('{')) return object();
        if (rest_.starts_with('[')) return array();
        if (rest_.starts_with('"')) return string(ignored);
        return take("true") || take("false") || take("null") || number();
    }
    bool number() {
        take("-");
        if (take("0")) return true;
        if (rest_.empty() || rest_[0] < '1' || rest_[0] > '9') return false;
        rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of("0123456789")));
        return true;
    }
    bool array() {
        take("[");
        if (take("]")) return true;
        do {
            if (!value()) return false;
        } while (take(","));
        return take("]");
    }
    bool object() {
        take("{");
        if (take("}")) return true;
        std::optional<std::u32string> last;
        do {
            std::string key;
            if (!string(key) || !take(":") || !value()) return false;
            std::u32string points = code_points(key);
            if (last && *last >= points) return false;
            last = std::move(points);
        } while (take(","));
        return take("}");
    }
    // The text between the quotes, with two-character escapes resolved; \u00XX is one character
    // below all others.
    bool string(std::string& out) {
        if (!take("\"")) return false;
        while (!take("\"")) {
            if (take("\\")) {
                if (rest_.starts_with("u")) {
                    const std::string digits(rest_.substr(1, 4));
                    if (!is_canonical_escape(digits)) return false;
                    out += static_cast<char>(std::stoi(digits, nullptr, 16));
                    rest_.remove_prefix(5);
                    continue;
                }
                const std::size_t escape = std::string_view("btnfr\"\\").find(rest_[0]);
                if (escape == std::string_view::npos) return false;
                out += "\b\t\n\f\r\"\\"[escape];
                rest_.remove_prefix(1);
                continue;
            }
            const std::size_t length = utf8_length(rest_);
            if (length == 0 || static_cast<unsigned char>(rest_[0]) < 0x20) return false;
            out += rest_.substr(0, length);
            rest_.remove_prefix(length);
        }
        return true;
    }
    static bool is_canonical_escape(const std::string& digits) {
        const auto has = [&](std::string_view prefix, std::string_view last) {
            return digits.size() == 4 && digits.starts_with(prefix) && last.contains(digits[3]);
        };
        return has("000", "01234567bef") || has("001", "0123456789abcdef");
    }
    static std::u32string code_points(std::string_view text) {
        std::u32string points;
        while (!text.empty()) {
            const std::size_t length = utf8_length(text);
            char32_t point = static_cast<unsigned char>(text[0]);
            if (length > 1) point &= 0x7FU >> length;
            for (std::size_t i = 1; i < length; ++i)
                point = point << 6 | (text[i] & 0x3FU);
            points += point;
            text.remove_prefix(length);
        }
        return points;
    }

    std::string_view rest_;
};

// J4
RC_GTEST_PROP(CanonicalJson, MatchesTheGrammarOfTheAppendixWithKeysInOrderOfCodePoints, ()) {
    RC_ASSERT(Grammar::matches(write(draw::value())));
}

// A number as RFC 8259 writes it, most of them no integers of canonical JSON.
std::string draw_number() {
    const auto digits = [] {
        return *rc::gen::element<std::string>("0",
                                              "1",
                                              "42",
                                              "9007199254740991",
                                              "9007199254740992",
                                              "123456789012345678901234567890");
    };
    std::string text = *rc::gen::element<std::string>("", "-");
    text += digits();
    if (*rc::gen::inRange(0, 3) == 0) text += "." + digits();
    if (*rc::gen::inRange(0, 3) == 0) {
        text += *rc::gen::element<std::string>("e", "E", "e+", "E-");
        text += digits();
    }
    return text;
}

bool is_canonical_integer(std::string text) {
    if (text == "-0" || text.find_first_of(".eE") != std::string::npos) return false;
    if (text.starts_with('-')) text.erase(0, 1);
    constexpr std::string_view kMax = "9007199254740991";
    return text.size() < kMax.size() || (text.size() == kMax.size() && text <= kMax);
}

// J5
RC_GTEST_PROP(StrictJson, AcceptsANumberExactlyIfItIsACanonicalInteger, ()) {
    const std::string number = draw_number();
    const std::string text = "{\"a\":[" + number + "]}";
    RC_CLASSIFY(is_canonical_integer(number));
    RC_ASSERT(parse(text).has_value() == is_canonical_integer(number));
    const Parsed lenient = parse(text, Numbers::Any);
    RC_ASSERT(lenient.has_value());
    RC_ASSERT(has_only_canonical_numbers(*lenient) == is_canonical_integer(number));
}

RC_GTEST_PROP(StrictJson, RefusesLoneSurrogatesAndDuplicateKeysInBothModes, ()) {
    Object object = draw::object(2);
    object.set("k", draw::value(1));
    std::string text = write(object);
    const std::string flaw = *rc::gen::element<std::string>("\"k\":0",
                                                            "\"\\u006B\":0",
                                                            "\"x\":\"\\ud800\"",
                                                            "\"x\":\"\\udfff\\ud800\"",
                                                            "\"\\udc00\":0");
    text.insert(1, flaw + ",");
    RC_ASSERT(!parse(text));
    RC_ASSERT(!parse(text, Numbers::Any));
}

// J6
RC_GTEST_PROP(CanonicalJson, ChangesOnlyWhereAMemberIsInserted, ()) {
    const Object without = draw::object(2);
    const std::string key = draw::text();
    RC_PRE(!without.contains(key));
    const Value value = draw::value(2);
    Object with = without;
    with.set(key, value);

    std::string member;
    write_string_to(member, key);
    member += ':' + write(value);
    RC_ASSERT(write(Object{{key, value}}) == '{' + member + '}');

    std::string prefix = "{";
    for (const Member& other : without) {
        if (other.key > key) break;
        const std::string text = write(Object{{other.key, other.value}});
        prefix += text.substr(1, text.size() - 2) + ',';
    }
    std::string expected = write(without);
    const bool is_last = prefix.size() > expected.size() - 1;
    if (is_last) {
        expected.insert(expected.size() - 1, (without.empty() ? "" : ",") + member);
    } else {
        expected.insert(prefix.size(), member + (without.empty() ? "" : ","));
    }
    RC_ASSERT(write(with) == expected);
    with.erase(key);
    RC_ASSERT(with == without);
}

// A JSON text with a few bytes changed, so that flaws lie deep.
std::string draw_damaged_text() {
    std::string text = draw::spelling(draw::value());
    for (int i = *rc::gen::inRange(1, 4); i > 0 && !text.empty(); --i) {
        const auto at =
            static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(text.size())));
        switch (*rc::gen::inRange(0, 3)) {
            case 0:
                text[at] = *rc::gen::arbitrary<char>();
                break;
            case 1:
                text.erase(at, 1);
                break;
            default:
                text.insert(at,
                            *rc::gen::element<std::string>(
                                "{", "]", "\"", "\\", ",", "-", "0", "e", "\xff", "\xed\xa0\x80"));
        }
    }
    return text;
}

// J7
RC_GTEST_PROP(JsonParser, GivesAValueOrAnErrorInsideTheTextForAnyBytes, ()) {
    const auto bytes =
        *rc::gen::inRange(0, 2) == 0 ? *rc::gen::arbitrary<std::string>() : draw_damaged_text();
    for (const Numbers numbers : {Numbers::Canonical, Numbers::Any}) {
        const Parsed parsed = parse(bytes, numbers);
        if (parsed) {
            const Parsed again = parse(write(*parsed), numbers);
            RC_ASSERT(again.has_value());
            RC_ASSERT(write(*again) == write(*parsed));
            RC_ASSERT(is_valid_utf8(bytes));
        } else {
            RC_ASSERT(parsed.error().offset <= bytes.size());
            RC_ASSERT(!parsed.error().what.empty());
        }
    }
}

// J8
RC_GTEST_PROP(JsonParser, TakesWhatIsStrictInTheSameWayWhenLenient, ()) {
    const std::string text =
        *rc::gen::inRange(0, 2) == 0 ? draw_damaged_text() : "[" + draw_number() + "]";
    const Parsed strict = parse(text);
    const Parsed lenient = parse(text, Numbers::Any);
    RC_CLASSIFY(strict.has_value());
    if (strict) RC_ASSERT(lenient.has_value() && *lenient == *strict);
    if (lenient) RC_ASSERT(strict.has_value() == has_only_canonical_numbers(*lenient));
}

// J9
RC_GTEST_PROP(JsonParser, NeverChangesAnIntegerThatAFloatCannotHold, ()) {
    const auto magnitude = *rc::gen::inRange<std::uint64_t>(kIntegerMax + 1, UINT64_MAX);
    const std::string text = *rc::gen::element<std::string>("", "-") + std::to_string(magnitude);
    RC_ASSERT(!parse(text));
    const Parsed lenient = parse(text, Numbers::Any);
    RC_ASSERT(lenient.has_value());
    RC_ASSERT(write(*lenient) == text);
}

}  // namespace
}  // namespace matrix::json
