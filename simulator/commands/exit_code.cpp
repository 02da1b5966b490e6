#include "simulator/commands/exit_code.h"

#include <algorithm>
#include <array>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

struct Class {
    ExitCode code;
    std::string_view name;
    bool is_failure;
};
// The worst first.
constexpr std::array kClasses = {
    Class{ExitCode::Crash, "crash", true},
    Class{ExitCode::NonDeterminism, "non-determinism", true},
    Class{ExitCode::FailedCheck, "failed-check", true},
    Class{ExitCode::Stuck, "stuck", true},
    Class{ExitCode::TimeOut, "time-out", true},
    Class{ExitCode::Infrastructure, "infrastructure", true},
    Class{ExitCode::Usage, "usage", true},
    Class{ExitCode::Interrupted, "interrupted", false},
    Class{ExitCode::Passed, "passed", false},
    Class{ExitCode::Inconclusive, "inconclusive", false},
};

const Class& class_of(ExitCode code) {
    const auto place = std::ranges::find(kClasses, code, &Class::code);
    MATRIX_ASSERT(place != kClasses.end());
    return *place;
}

}  // namespace

std::string_view name_of(ExitCode code) {
    return class_of(code).name;
}

bool is_failure(ExitCode code) {
    return class_of(code).is_failure;
}

std::string_view repeat_ending_of(ExitCode code) {
    return code == ExitCode::NonDeterminism ? " --twice" : "";
}

ExitCode exit_code_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return ExitCode::Passed;
        case Outcome::FailedCheck:
            return ExitCode::FailedCheck;
        case Outcome::Inconclusive:
            return ExitCode::Inconclusive;
        case Outcome::Stuck:
            return ExitCode::Stuck;
    }
    unreachable();
}

ExitCode worst_of(ExitCode a, ExitCode b) {
    return &class_of(a) < &class_of(b) ? a : b;
}

}  // namespace matrix::simulator
