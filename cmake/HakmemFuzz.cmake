# Fuzz targets: with libFuzzer (or what AFL++ puts in its place) where HAKMEM_FUZZ says so, elsewhere with a driver that
# runs files, so that the corpus is a regression test under every compiler.

# hakmem_add_fuzz_target(<name> SOURCES <file>... [LIBRARIES <target>...] [DEFINITIONS <definition>...])
function(hakmem_add_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;DEFINITIONS")
  add_executable(fuzz_${name} ${arg_SOURCES})
  target_include_directories(fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(fuzz_${name} PRIVATE hakmem_core ${arg_LIBRARIES})
  target_compile_definitions(fuzz_${name} PRIVATE ${arg_DEFINITIONS})
  if(HAKMEM_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.cpp")
    target_compile_options(fuzz_${name} PRIVATE -O0) # a corpus is run in a moment
  endif()
endfunction()

# hakmem_add_corpus_test(<name> <title>): the target on its committed corpus.
function(hakmem_add_corpus_test name title)
  set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  if(HAKMEM_FUZZ AND NOT HAKMEM_AFL)
    # Without runs of its own, the fuzzer runs the corpus once.
    add_test(NAME ${title} COMMAND fuzz_${name} -runs=0 "${corpus}")
  elseif(HAKMEM_AFL)
    # Started without AFL++, its driver runs the files that it is given.
    file(GLOB files CONFIGURE_DEPENDS "${corpus}/*")
    add_test(NAME ${title} COMMAND fuzz_${name} ${files})
  else()
    add_test(NAME ${title} COMMAND fuzz_${name} "${corpus}")
  endif()
  set_tests_properties(${title} PROPERTIES LABELS fuzz TIMEOUT ${HAKMEM_HANG_SECONDS})
endfunction()

# hakmem_add_fuzz_control(<name> <title> <expected> [<corpus to start from>]): a target with a planted fault, which the
# fuzzer has to find.
function(hakmem_add_fuzz_control name title expected)
  if(NOT HAKMEM_FUZZ OR HAKMEM_AFL)
    return()
  endif()
  # libFuzzer adds what it finds to the first folder that it is given.
  set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  file(MAKE_DIRECTORY "${found}")
  add_test(NAME ${title} COMMAND fuzz_${name} -max_total_time=100 -seed=1 -artifact_prefix=planted- "${found}" ${ARGN})
  set_tests_properties(${title} PROPERTIES LABELS fuzz TIMEOUT ${HAKMEM_HANG_SECONDS} PASS_REGULAR_EXPRESSION "${expected}")
endfunction()

# hakmem_add_afl_control(<name> <title> <input>...): a target with a planted fault, which AFL++ has to find from inputs that
# hold; what was found before is no help.
function(hakmem_add_afl_control name title)
  if(NOT HAKMEM_AFL)
    return()
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/afl_${name}")
  file(COPY ${ARGN} DESTINATION "${folder}/in")
  list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " wrapper)
  add_test(NAME ${title} COMMAND sh -c
    "rm -rf '${folder}/out' && exec ${wrapper} afl-fuzz -i '${folder}/in' -o '${folder}/out' -V 120 -s 1 -m none -- '$<TARGET_FILE:fuzz_${name}>'")
  set_tests_properties(${title} PROPERTIES LABELS fuzz TIMEOUT ${HAKMEM_HANG_SECONDS} PASS_REGULAR_EXPRESSION " 1 crashes saved"
    ENVIRONMENT "AFL_BENCH_UNTIL_CRASH=1;AFL_NO_UI=1;AFL_NO_AFFINITY=1;AFL_SKIP_CPUFREQ=1;AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1")
endfunction()
