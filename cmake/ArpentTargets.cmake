# Compiler settings and the functions that every folder uses.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

find_program(ARPENT_CCACHE ccache)
if(ARPENT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths count from the sources on: another clone of them finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  ${ARPENT_CCACHE})
endif()
find_program(ARPENT_MOLD mold)
if(ARPENT_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()

# Products are bit-identical on every machine: no contraction to fused multiply-add, no fast-math.
add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -ffp-contract=off)
# Loops over pixels are vectorised wherever it pays, not only where their lengths are known (GCC's -O2); sums keep their order.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fvect-cost-model=dynamic)
endif()

# arpent_layer(NAME DEPENDS lib...): the static library arpent_NAME of the current folder's *.cc, and the test program
# NAME_test of its *_test.cc, and NAME_benchmark of its *_benchmark.cc.
function(arpent_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;TEST_DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(benchmarks ${sources})
  list(FILTER benchmarks INCLUDE REGEX "_benchmark\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_benchmark|_main|/main)\\.cc$")
  if(sources)
    add_library(arpent_${name} STATIC ${sources})
    target_include_directories(arpent_${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(arpent_${name} PUBLIC ${ARG_DEPENDS})
  else()
    add_library(arpent_${name} INTERFACE)
    target_include_directories(arpent_${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(arpent_${name} INTERFACE ${ARG_DEPENDS})
  endif()
  if(ARPENT_BUILD_TESTS AND tests)
    arpent_test(${name}_test SOURCES ${tests} DEPENDS arpent_${name} ${ARG_TEST_DEPENDS})
  endif()
  if(ARPENT_BUILD_BENCHMARKS AND benchmarks)
    add_executable(${name}_benchmark ${benchmarks})
    target_link_libraries(${name}_benchmark PRIVATE arpent_${name} ${ARG_TEST_DEPENDS} benchmark::benchmark_main)
  endif()
endfunction()

# arpent_test(NAME SOURCES file... DEPENDS lib... [LABELS label...] [TIMEOUT seconds]): a GoogleTest program whose cases
# ctest runs one by one.
function(arpent_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)  # never empty: an empty value would take TIMEOUT for a label
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} arpent_testing GTest::gtest_main GTest::gmock)
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
               SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()

# arpent_program(NAME SOURCES file... DEPENDS lib...): an installed program, built into bin/.
function(arpent_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  # Programs carry only the libraries that they use: the coordinator, for one, needs no raster library.
  target_link_options(${name} PRIVATE -Wl,--as-needed)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  install(TARGETS ${name})
endfunction()
