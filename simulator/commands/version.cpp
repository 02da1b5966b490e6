// The build's id stands here alone: only this file is compiled anew when it changes.

#include "simulator/commands/commands.h"

namespace matrix::simulator {

const char* const kBuildId = TOUCHSTONE_BUILD_ID;

}  // namespace matrix::simulator
