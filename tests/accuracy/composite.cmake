# Cloud that is left in composites of real dates.
add_test(NAME accuracy.composite_clouds
         COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/composite_clouds.py --program $<TARGET_FILE:arpent>
                 --tables ${CMAKE_BINARY_DIR}/tables --tools ${CMAKE_SOURCE_DIR}/../shared/tools
                 --data ${CMAKE_SOURCE_DIR}/../shared/data)
set_tests_properties(accuracy.composite_clouds PROPERTIES LABELS "accuracy;slow" TIMEOUT 900 SKIP_RETURN_CODE 77)
