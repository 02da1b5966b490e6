#include "simulator/start_live.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

constexpr int kUsage = 2;

}  // namespace

int start_live(int argc, char** argv) {
    MATRIX_ASSERT(argc > 1);
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    std::string program = (self.parent_path() / "simulator-live").string();
    std::vector<char*> arguments{program.data()};
    arguments.insert(arguments.end(), argv + 2, argv + argc);
    arguments.push_back(nullptr);
    ::execv(program.c_str(), arguments.data());
    std::fprintf(
        stderr, "simulator live: cannot start %s: %s\n", program.c_str(), std::strerror(errno));
    return kUsage;
}

}  // namespace matrix::simulator
