#include "simulator/sandbox.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/time.h>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

thread_local bool is_in_simulation = false;

}  // namespace

Sandbox::Sandbox() {
    MATRIX_ASSERT(!is_in_simulation);
    is_in_simulation = true;
}

Sandbox::~Sandbox() {
    is_in_simulation = false;
}

#if __has_feature(address_sanitizer)

bool Sandbox::is_watching() {
    return false;
}

#else

bool Sandbox::is_watching() {
    return true;
}

namespace {

void refuse_in_simulation(const char* function, const char* what) {
    if (!is_in_simulation) return;
    is_in_simulation = false;  // Whoever handles the abort may look at the clock.
    std::fprintf(
        stderr, "assertion failed: no %s in a simulation: %s was called\n", what, function);
    std::abort();
}

constexpr const char* kClock = "wall clock";
constexpr const char* kThread = "thread";
constexpr const char* kRandom = "randomness of the system";

/// The function that would have been called if this file did not define its name.
template <class Function>
Function* find_next(const char* name) {
    void* found = ::dlsym(RTLD_NEXT, name);
    MATRIX_ASSERT(found != nullptr);
    return reinterpret_cast<Function*>(found);
}

void refuse_random_file(const char* function, const char* path) {
    constexpr std::array<std::string_view, 2> kFiles = {"/dev/urandom", "/dev/random"};
    for (const std::string_view file : kFiles) {
        if (path == file) refuse_in_simulation(function, kRandom);
    }
}

/// The third argument of `open`, which is there only if a file may be made.
mode_t mode_of(int flags, std::va_list arguments) {
    const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

#endif

}  // namespace matrix::simulator

#if !__has_feature(address_sanitizer)

// The names and signatures of the C library.
// NOLINTBEGIN(readability-identifier-naming, readability-inconsistent-declaration-parameter-name)
extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
    using namespace matrix::simulator;
    refuse_in_simulation("clock_gettime", kClock);
    static const auto next = find_next<int(clockid_t, timespec*)>("clock_gettime");
    return next(clock, now);
}

int gettimeofday(timeval* now, void* zone) noexcept {
    using namespace matrix::simulator;
    refuse_in_simulation("gettimeofday", kClock);
    static const auto next = find_next<int(timeval*, void*)>("gettimeofday");
    return next(now, zone);
}

std::time_t time(std::time_t* now) noexcept {
    using namespace matrix::simulator;
    refuse_in_simulation("time", kClock);
    static const auto next = find_next<std::time_t(std::time_t*)>("time");
    return next(now);
}

int pthread_create(pthread_t* thread,
                   const pthread_attr_t* attributes,
                   void* (*start)(void*),
                   void* argument) noexcept {
    using namespace matrix::simulator;
    refuse_in_simulation("pthread_create", kThread);
    static const auto next =
        find_next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
            "pthread_create");
    return next(thread, attributes, start, argument);
}

ssize_t getrandom(void* bytes, std::size_t count, unsigned flags) {
    using namespace matrix::simulator;
    refuse_in_simulation("getrandom", kRandom);
    static const auto next = find_next<ssize_t(void*, std::size_t, unsigned)>("getrandom");
    return next(bytes, count, flags);
}

int getentropy(void* bytes, std::size_t count) {
    using namespace matrix::simulator;
    refuse_in_simulation("getentropy", kRandom);
    static const auto next = find_next<int(void*, std::size_t)>("getentropy");
    return next(bytes, count);
}

int open(const char* path, int flags, ...) {
    using namespace matrix::simulator;
    refuse_random_file("open of a random device", path);
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    static const auto next = find_next<int(const char*, int, ...)>("open");
    return next(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    using namespace matrix::simulator;
    refuse_random_file("open64 of a random device", path);
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    static const auto next = find_next<int(const char*, int, ...)>("open64");
    return next(path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
    using namespace matrix::simulator;
    refuse_random_file("fopen of a random device", path);
    static const auto next = find_next<FILE*(const char*, const char*)>("fopen");
    return next(path, mode);
}

// What the random device of libstdc++ calls, which asks the processor before the system.
unsigned draw_from_random_device(void* device) __asm__("_ZNSt13random_device9_M_getvalEv");
unsigned draw_from_random_device(void* device) {
    using namespace matrix::simulator;
    refuse_in_simulation("the random device of libstdc++", kRandom);
    static const auto next = find_next<unsigned(void*)>("_ZNSt13random_device9_M_getvalEv");
    return next(device);
}

// What jemalloc, where it is linked, reads at the start of the program: it gives no memory back,
// which it would do by the wall clock, and one thread allocates.
extern const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,narenas:1";

}  // extern "C"
// NOLINTEND(readability-identifier-naming, readability-inconsistent-declaration-parameter-name)

#endif
