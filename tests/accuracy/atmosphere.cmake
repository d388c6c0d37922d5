# The atmosphere's tables against 6S and against the solver; `atmosphere_report` writes the figures into the docs.
add_library(atmosphere_errors STATIC ${CMAKE_CURRENT_LIST_DIR}/atmosphere_errors.cc)
target_link_libraries(atmosphere_errors PUBLIC arpent_lut arpent_kernels_atmosphere)
target_compile_definitions(atmosphere_errors PUBLIC ARPENT_TABLES_FILE="${CMAKE_BINARY_DIR}/tables/atmosphere.lut")

arpent_test(atmosphere_accuracy_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/atmosphere_accuracy_test.cc
            DEPENDS atmosphere_errors LABELS accuracy)
add_executable(atmosphere_report ${CMAKE_CURRENT_LIST_DIR}/atmosphere_report.cc)
target_link_libraries(atmosphere_report PRIVATE atmosphere_errors arpent_testing)
add_dependencies(atmosphere_accuracy_test atmosphere-tables)
add_dependencies(atmosphere_report atmosphere-tables)
