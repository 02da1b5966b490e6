// `simulator live`: a program of its own beside this one, because it has real threads and real
// time.
#pragma once

namespace matrix::simulator {

/// Becomes `simulator-live` with these arguments, of which the first is "live". Returns only if
/// that fails: the exit code, after saying why.
int start_live(int argc, char** argv);

}  // namespace matrix::simulator
