# How this project declares targets: one function each for libraries, programs, tests and benchmarks.

add_library(touchstone_options INTERFACE)
target_include_directories(touchstone_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(touchstone_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-designated-field-initializers -Werror)

# touchstone_library(NAME SOURCES file... [LINKS target...])
function(touchstone_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC touchstone_options ${ARG_LINKS})
endfunction()

# touchstone_program(NAME SOURCES file... [LINKS target...])
function(touchstone_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE touchstone_options ${ARG_LINKS})
endfunction()

# touchstone_test(NAME SOURCES file... [LINKS target...] [SANITIZED] [TIMEOUT seconds]): a GoogleTest binary, each of
# whose tests is one of CTest's. SANITIZED ones run under the sanitizers too (preset `asan`, target `sanitized_tests`).
add_custom_target(sanitized_tests)
function(touchstone_test name)
    cmake_parse_arguments(ARG "SANITIZED" "TIMEOUT" "SOURCES;LINKS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    set(label ${name})  # One label: a list would be cut at its first element.
    add_executable(${name} ${ARG_SOURCES})
    if(ARG_SANITIZED)
        add_dependencies(sanitized_tests ${name})
        set(label ${name}-sanitized)
    endif()
    target_link_libraries(${name} PRIVATE touchstone_options ${ARG_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
    include(GoogleTest)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${label}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# touchstone_benchmark(NAME SOURCES file... [LINKS target...]): a Google Benchmark binary for ci/bench. A test runs each of
# its benchmarks for a moment and looks at no time: a benchmark that no longer runs is found by CI, not by who needs it.
function(touchstone_benchmark name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE touchstone_options ${ARG_LINKS} benchmark::benchmark benchmark::benchmark_main)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    add_test(NAME ${name}_runs COMMAND python3 ${PROJECT_SOURCE_DIR}/ci/run_benchmark_once.py $<TARGET_FILE:${name}>)
    set_tests_properties(${name}_runs PROPERTIES TIMEOUT 300 LABELS benchmarks WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()
