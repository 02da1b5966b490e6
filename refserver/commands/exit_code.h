// What the commands of `refserver` tell the shell.
#pragma once

namespace matrix::commands {

enum class ExitCode {
    Success = 0,
    Breach = 1,     ///< What was to be found out is bad news: a breach, a difference.
    Usage = 2,      ///< A wrong flag, or a file that cannot be read or written.
    Malformed = 3,  ///< The input is not what it should be; nothing was done.
};

}  // namespace matrix::commands
