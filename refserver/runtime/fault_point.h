// Fault points: places in the server where a simulation may make something rare happen.
//
// Only what any server may do at any time: take less at once, give up early, forget what it could
// look up again. Nothing but an installed `FaultPlan` makes one fire, and only the simulator
// installs one: in a server that serves, a fault point is one look at a null pointer.
#pragma once

#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"

namespace matrix::runtime {

/// Decides what happens at fault points while it exists. One at a time, on the only thread of a
/// simulation; a real server has none.
class FaultPlan {
public:
    FaultPlan() {
        MATRIX_ASSERT(!installed_);
        installed_ = this;
    }
    FaultPlan(const FaultPlan&) = delete;
    FaultPlan& operator=(const FaultPlan&) = delete;
    virtual ~FaultPlan() { installed_ = nullptr; }

    /// Does the fault point of this name fire now? Asked each time that one is passed.
    virtual bool fires(std::string_view name) = 0;

    static FaultPlan* find_installed() { return installed_; }

private:
    inline static constinit FaultPlan* installed_ = nullptr;
};

/// Before the names of fault points in the list of marks.
inline constexpr std::string_view kFaultPointPrefix = "fault point: ";

}  // namespace matrix::runtime

/// `const std::size_t max = SIM_FAULT_POINT("transactions hold one PDU") ? 1 : kPdusMax;`. The name
/// is a literal, in lower case and in the present tense; each fault point has a mark that is
/// reached when it fires.
#define SIM_FAULT_POINT(name)                                                                \
    ([] {                                                                                    \
        MATRIX_SOMETIMES_MARK_("fault point: " name);                                        \
        ::matrix::runtime::FaultPlan* plan = ::matrix::runtime::FaultPlan::find_installed(); \
        if (!plan || !plan->fires(name)) [[likely]]                                          \
            return false;                                                                    \
        sometimes_mark.reach();                                                              \
        return true;                                                                         \
    }())
