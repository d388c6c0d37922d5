# What compare_learners runs; built on demand.
add_executable(learner_predict EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/learner_predict.cc)
target_link_libraries(learner_predict PRIVATE arpent_learn)
# The engine against the slow walk, a million pixels.
arpent_test(forest_identity_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/forest_identity_test.cc DEPENDS arpent_learn
            LABELS "accuracy;slow" TIMEOUT 900)
