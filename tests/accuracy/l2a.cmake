# L2A against truth that this code has not made; each prints the table that docs/algorithms shows.
add_executable(l2a_retrieval_test ${CMAKE_CURRENT_LIST_DIR}/l2a_retrieval_test.cc ${CMAKE_CURRENT_LIST_DIR}/l2a_other_ground_test.cc)
target_link_libraries(l2a_retrieval_test PRIVATE arpent_stage_l2a arpent_testing GTest::gtest_main GTest::gmock)
add_dependencies(l2a_retrieval_test atmosphere-tables)
add_test(NAME accuracy.l2a_retrieval COMMAND l2a_retrieval_test)
set_tests_properties(accuracy.l2a_retrieval PROPERTIES LABELS accuracy TIMEOUT 300
                     ENVIRONMENT ARPENT_TABLES=${CMAKE_BINARY_DIR}/tables
                     SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")

add_test(NAME accuracy.l2a_masks
         COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/l2a_masks.py --program $<TARGET_FILE:l2a_scene>
                 --tables ${CMAKE_BINARY_DIR}/tables --tools ${CMAKE_SOURCE_DIR}/../shared/tools
                 --data ${CMAKE_SOURCE_DIR}/../shared/data)
set_tests_properties(accuracy.l2a_masks PROPERTIES LABELS "accuracy;slow" TIMEOUT 1800 SKIP_RETURN_CODE 77)

# End to end over relief: nothing given but the scene, the DEM and the aerosol model's name.
function(arpent_l2a_site_test name labels)
  add_test(NAME accuracy.${name} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/accuracy/l2a_site.py
                                         --program $<TARGET_FILE:arpent> ${ARGN})
  set_tests_properties(accuracy.${name} PROPERTIES LABELS "${labels}" TIMEOUT 1800 ENVIRONMENT ARPENT_TABLES=${CMAKE_BINARY_DIR}/tables)
endfunction()
arpent_l2a_site_test(l2a_site accuracy --seeds 3 --size 480)
arpent_l2a_site_test(l2a_site_large "accuracy;slow" --seeds 4,5 --size 720 --relief 1500)
