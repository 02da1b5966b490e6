// JSON values, a parser that takes nobody's word for anything, and canonical JSON.
//
// This is the JSON that is hashed, signed and stored, so the parser is strict: no duplicate keys,
// no BOM, nothing behind the document, no lone surrogates, bounded depth and size.
//
// UNSPECIFIED: duplicate keys are refused because parsers disagree on which of them counts; lone
// surrogates because they have no UTF-8 encoding.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace matrix::json {

class Value;
struct Member;

/// A trap of C++: `Array{array}` with one array inside is a copy of it; write
/// `Array{Value(array)}`.
using Array = std::vector<Value>;

/// Members sorted by key as bytes, which is the order of canonical JSON; keys are unique.
class Object {
public:
    Object();
    Object(const Object&);
    Object(Object&&) noexcept;
    Object& operator=(const Object&);
    Object& operator=(Object&&) noexcept;
    ~Object();
    /// `Object{{"a", 1}, {"b", "x"}}`; a later duplicate wins.
    Object(std::initializer_list<Member> members);

    const Value* find(std::string_view key) const;
    Value* find(std::string_view key);
    bool contains(std::string_view key) const { return find(key) != nullptr; }
    /// Inserts or replaces.
    void set(std::string_view key, Value value);
    /// The member's value, null if it was absent.
    Value& operator[](std::string_view key);
    /// True if there was something to erase.
    bool erase(std::string_view key);

    const Member* begin() const;
    const Member* end() const;
    std::size_t size() const;
    bool empty() const { return size() == 0; }

    friend bool operator==(const Object&, const Object&);

private:
    friend class Parser;
    std::vector<Member> members_;
};

/// A number that is not written as an integer of canonical JSON: room versions 1 to 5 carry such.
struct OtherNumber {
    std::string text;
    friend bool operator==(const OtherNumber&, const OtherNumber&) = default;
};

/// The largest and smallest integers of canonical JSON.
inline constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;
inline constexpr std::int64_t kIntegerMin = -kIntegerMax;

class Value {
public:
    Value() = default;
    Value(std::nullptr_t) {}  // Implicit, as all of these: `{"key", value}` is how JSON is written.
    template <std::same_as<bool> Boolean>  // No pointer turns into `true`.
    Value(Boolean boolean) : value_(boolean) {}
    Value(int integer) : value_(std::int64_t{integer}) {}
    Value(std::int64_t integer) : value_(integer) {}
    Value(OtherNumber number) : value_(std::move(number)) {}
    Value(std::string string) : value_(std::move(string)) {}
    Value(std::string_view string) : value_(std::string(string)) {}
    Value(const char* string) : value_(std::string(string)) {}
    Value(Array array) : value_(std::move(array)) {}
    Value(Object object) : value_(std::move(object)) {}

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_object() const { return if_object() != nullptr; }

    // Each gives null when the value is of another type.
    const bool* if_boolean() const { return std::get_if<bool>(&value_); }
    const std::int64_t* if_integer() const { return std::get_if<std::int64_t>(&value_); }
    const OtherNumber* if_other_number() const { return std::get_if<OtherNumber>(&value_); }
    const std::string* if_string() const { return std::get_if<std::string>(&value_); }
    const Array* if_array() const { return std::get_if<Array>(&value_); }
    const Object* if_object() const { return std::get_if<Object>(&value_); }
    Array* if_array() { return std::get_if<Array>(&value_); }
    Object* if_object() { return std::get_if<Object>(&value_); }

    /// The member `key` of an object; null when this is no object or has no such member.
    const Value* find(std::string_view key) const;
    /// `find(key)` as a string, an integer or a boolean; null when it is something else.
    const std::string* find_string(std::string_view key) const;
    const std::int64_t* find_integer(std::string_view key) const;
    const bool* find_boolean(std::string_view key) const;
    const Array* find_array(std::string_view key) const;
    const Object* find_object(std::string_view key) const;

    /// "null", "a boolean", "an integer", "a number", "a string", "an array" or "an object".
    std::string_view type_name() const;

    friend bool operator==(const Value&, const Value&) = default;

private:
    friend class Parser;
    std::variant<std::monostate, bool, std::int64_t, OtherNumber, std::string, Array, Object>
        value_;
};

struct Member {
    std::string key;
    Value value;
    friend bool operator==(const Member&, const Member&) = default;
};

/// Which numbers are taken; everything else is equally strict.
enum class Numbers {
    /// Integers from -(2^53)+1 to 2^53-1 without fraction or exponent, and no `-0`; room versions
    /// 6+.
    Canonical,
    Any,  ///< Whatever RFC 8259 allows, others as `OtherNumber`; room versions 1 to 5.
};

/// No value that is parsed or written is nested more deeply: both recurse.
inline constexpr std::size_t kDepthMax = 512;

struct ParseLimits {
    std::size_t bytes_max = 64 * 1024 * 1024;
    std::size_t depth_max = 128;  ///< Of arrays and objects; at most `kDepthMax`.
};

struct ParseError {
    std::size_t offset = 0;  ///< In bytes from the start.
    std::string what;        ///< What was expected, in words for people.
};

/// Parses exactly one document, of untrusted bytes.
std::expected<Value, ParseError> parse(std::string_view bytes,
                                       Numbers numbers = Numbers::Canonical,
                                       ParseLimits limits = {});

/// Canonical JSON: sorted keys, no white space, shortest escapes.
///
/// An `OtherNumber` stays as written, because servers hash what they received. Only what the
/// appendix rewrites is rewritten: `-0`, and a whole number with an exponent that is a canonical
/// integer (`1e10`).
std::string write(const Value& value);
std::string write(const Object& object);
/// Appends to `out` instead.
void write_to(std::string& out, const Value& value);
void write_to(std::string& out, const Object& object);
/// Appends `text`, which is valid UTF-8, as a JSON string with its quotes.
void write_string_to(std::string& out, std::string_view text);
/// `object` without some of its own keys; what is signed and hashed.
std::string write_without(const Object& object, std::span<const std::string_view> keys);

/// Writes an object member by member; the caller gives the keys in ascending order.
///
/// For who writes a part of an object that exists: `write_without`, the redacted event.
class ObjectWriter {
public:
    /// Appends to `out`.
    explicit ObjectWriter(std::string& out) : out_(out) {}
    ObjectWriter(const ObjectWriter&) = delete;
    ObjectWriter& operator=(const ObjectWriter&) = delete;

    void add(const Member& member);
    /// Begins a member; the caller appends its value to what is returned.
    std::string& add_key(std::string_view key);
    /// To be called once, at the end.
    void close();

private:
    std::string& out_;
    char separator_ = '{';
};

/// Is every number inside `value` an integer of canonical JSON?
///
/// A document that holds events of several room versions is parsed with `Numbers::Any`; this tells
/// afterwards what `Numbers::Canonical` would have refused.
bool has_only_canonical_numbers(const Value& value);
bool has_only_canonical_numbers(const Object& object);
/// How deeply arrays and objects are nested in `value`: 0 for a scalar, 1 for `{}`.
std::size_t depth_of(const Value& value);
std::size_t depth_of(const Object& object);

std::ostream& operator<<(std::ostream& out, const Value& value);

}  // namespace matrix::json
