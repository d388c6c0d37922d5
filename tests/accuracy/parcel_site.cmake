# Labelled folders of any kind become sites.
add_test(NAME accuracy.parcel_site
         COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/parcel_site_test.py --program $<TARGET_FILE:arpent>
                 --tool ${CMAKE_SOURCE_DIR}/tests/tools/parcel_site)
set_tests_properties(accuracy.parcel_site PROPERTIES LABELS accuracy TIMEOUT 300)
