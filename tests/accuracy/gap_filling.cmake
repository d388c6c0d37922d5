arpent_test(gap_filling_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/gap_filling_test.cc DEPENDS arpent_kernels_features GDAL::GDAL
            LABELS accuracy)
