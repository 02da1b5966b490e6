// JSON values: access and comparison.

#include "refserver/protocol/json.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace matrix::json {
namespace {

template <class Members>
auto lower_bound(Members& members, std::string_view key) {
    return std::ranges::lower_bound(
        members, key, {}, [](const Member& member) { return std::string_view(member.key); });
}

}  // namespace

Object::Object() = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object::Object(std::initializer_list<Member> members) {
    members_.reserve(members.size());
    for (const Member& member : members)
        set(member.key, member.value);
}

const Value* Object::find(std::string_view key) const {
    const auto entry = lower_bound(members_, key);
    return entry != members_.end() && entry->key == key ? &entry->value : nullptr;
}

Value* Object::find(std::string_view key) {
    return const_cast<Value*>(std::as_const(*this).find(key));
}

void Object::set(std::string_view key, Value value) {
    (*this)[key] = std::move(value);
}

Value& Object::operator[](std::string_view key) {
    const auto entry = lower_bound(members_, key);
    if (entry != members_.end() && entry->key == key) return entry->value;
    return members_.insert(entry, Member{std::string(key), Value()})->value;
}

bool Object::erase(std::string_view key) {
    const auto entry = lower_bound(members_, key);
    if (entry == members_.end() || entry->key != key) return false;
    members_.erase(entry);
    return true;
}

const Member* Object::begin() const {
    return members_.data();
}
const Member* Object::end() const {
    return members_.data() + members_.size();
}
std::size_t Object::size() const {
    return members_.size();
}

bool operator==(const Object& a, const Object& b) {
    return a.members_ == b.members_;
}

const Value* Value::find(std::string_view key) const {
    const Object* object = if_object();
    return object ? object->find(key) : nullptr;
}

const std::string* Value::find_string(std::string_view key) const {
    const Value* value = find(key);
    return value ? value->if_string() : nullptr;
}

const std::int64_t* Value::find_integer(std::string_view key) const {
    const Value* value = find(key);
    return value ? value->if_integer() : nullptr;
}

const bool* Value::find_boolean(std::string_view key) const {
    const Value* value = find(key);
    return value ? value->if_boolean() : nullptr;
}

const Array* Value::find_array(std::string_view key) const {
    const Value* value = find(key);
    return value ? value->if_array() : nullptr;
}

const Object* Value::find_object(std::string_view key) const {
    const Value* value = find(key);
    return value ? value->if_object() : nullptr;
}

std::string_view Value::type_name() const {
    static constexpr std::string_view kNames[] = {
        "null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};
    return kNames[value_.index()];
}

bool has_only_canonical_numbers(const Value& value) {
    if (const std::int64_t* integer = value.if_integer()) {
        return *integer >= kIntegerMin && *integer <= kIntegerMax;
    }
    if (const Array* array = value.if_array()) {
        return std::ranges::all_of(
            *array, [](const Value& element) { return has_only_canonical_numbers(element); });
    }
    if (const Object* object = value.if_object()) return has_only_canonical_numbers(*object);
    return value.if_other_number() == nullptr;
}

bool has_only_canonical_numbers(const Object& object) {
    return std::ranges::all_of(
        object, [](const Member& member) { return has_only_canonical_numbers(member.value); });
}

std::size_t depth_of(const Value& value) {
    if (const Object* object = value.if_object()) return depth_of(*object);
    const Array* array = value.if_array();
    if (!array) return 0;
    std::size_t deepest = 0;
    for (const Value& element : *array)
        deepest = std::max(deepest, depth_of(element));
    return deepest + 1;
}

std::size_t depth_of(const Object& object) {
    std::size_t deepest = 0;
    for (const Member& member : object)
        deepest = std::max(deepest, depth_of(member.value));
    return deepest + 1;
}

std::ostream& operator<<(std::ostream& out, const Value& value) {
    return out << write(value);
}

}  // namespace matrix::json
