// The fixture of client-server tests, and the declaration of a test.
//
//     CONFORMANCE_TEST(ClientTest,
//                      {.id = "cs/login/unknown-password-is-forbidden",
//                       .level = Level::Must,
//                       .place = "client-server-api/#post_matrixclientv3login",
//                       .text = "A wrong password is refused with 403 M_FORBIDDEN."}) {
//         const Client alice = target.make_user("alice");
//         ...
//     }
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/harness/client.h"
#include "conformance/harness/declarations.h"
#include "conformance/harness/requirement.h"
#include "conformance/harness/steps.h"
#include "conformance/harness/target.h"

namespace matrix::conformance {

class ConformanceTest : public testing::Test {
public:
    /// What every test of a fixture needs; fixtures hide it by their own.
    static std::vector<Capability> fixture_needs() { return {}; }

protected:
    ConformanceTest();

    /// Of a test with rows: the name of this one, and its room version if it has one.
    const std::string& row_name() const;
    const std::string& room_version() const;
    /// The element of `table` that belongs to this row, where `.rows = rows_of(table)`.
    template <class Table>
    const auto& row_of(const Table& table) const {
        return *(std::begin(table) + static_cast<std::ptrdiff_t>(row_index()));
    }

    Target& target;  ///< The server under test.

private:
    std::size_t row_index() const;
};

/// Tests that play clients.
class ClientTest : public ConformanceTest {
public:
    static std::vector<Capability> fixture_needs() { return {Capability::Users}; }
};

}  // namespace matrix::conformance

#define MATRIX_TEST_CLASS_2_(Fixture, number) Fixture##Case##number
#define MATRIX_TEST_CLASS_(Fixture, number) MATRIX_TEST_CLASS_2_(Fixture, number)
#define MATRIX_DECLARE_TEST_(Fixture, Class, ...)                                               \
    namespace {                                                                                 \
    class Class : public Fixture {                                                              \
        void TestBody() override;                                                               \
        static const bool is_declared_;                                                         \
    };                                                                                          \
    const bool Class::is_declared_ =                                                            \
        ::matrix::conformance::declare({.requirement = __VA_ARGS__,                             \
                                        .fixture_needs = Fixture::fixture_needs(),              \
                                        .make = []() -> ::testing::Test* { return new Class; }, \
                                        .file = __FILE__,                                       \
                                        .line = __LINE__});                                     \
    }                                                                                           \
    void Class::TestBody()

/// Declares a test of `Fixture`; the second argument is a `Requirement` in braces, the body
/// follows.
#define CONFORMANCE_TEST(Fixture, ...) \
    MATRIX_DECLARE_TEST_(Fixture, MATRIX_TEST_CLASS_(Fixture, __COUNTER__), __VA_ARGS__)
