#include "simulator/commands/files.h"

#include <cstdio>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace matrix::simulator {
namespace {

bool write_whole(std::FILE* file, std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

bool is_regular_or_absent(const std::string& path) {
    struct stat status = {};
    return stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

}  // namespace

bool write_output(const std::string& path, std::string_view text) {
    if (path.empty()) {
        if (write_whole(stdout, text)) return true;
        std::fprintf(stderr, "standard output: cannot be written\n");
        return false;
    }
    // A pipe or a terminal is written as it is.
    const bool is_replaced = is_regular_or_absent(path);
    const std::string target = is_replaced ? path + "." + std::to_string(getpid()) : path;
    std::FILE* file = std::fopen(target.c_str(), "wb");
    bool is_written = file != nullptr && write_whole(file, text);
    if (file != nullptr) is_written = std::fclose(file) == 0 && is_written;
    if (is_written && is_replaced) is_written = std::rename(target.c_str(), path.c_str()) == 0;
    if (is_written) return true;
    std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
    if (is_replaced) std::remove(target.c_str());
    return false;
}

}  // namespace matrix::simulator
