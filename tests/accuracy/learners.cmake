# What compare_learners runs; built on demand.
add_executable(learner_predict EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/learner_predict.cc)
target_link_libraries(learner_predict PRIVATE arpent_learn)
