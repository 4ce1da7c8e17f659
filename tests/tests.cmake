# The test programs. Every tests/unit/test_*.c, tests/property/prop_*.c and tests/contract/contract_*.c is a cmocka
# program of its own and a ctest entry of the same name, labelled by its folder; tests/<folder>/support/*.c is linked
# into each of its folder. tests/bench/bench_*.c are programs without cmocka; those that run the programs themselves have
# an entry that tries their way with tiny counts (tests/bench/smoke.sh), the others none.
# tests/fuzz/fuzz_*.c are libFuzzer targets; in other builds a driver replays their corpora as ctest entries.
set(test_libraries ${PADDOCK_LIBRARIES})
set(test_environment "ASAN_OPTIONS=handle_segv=2:handle_abort=2;CMOCKA_TEST_ABORT=1")

# paddock_test_programs(FOLDER [EXTERNAL LIBRARY...]): sets FOLDER_programs to the names of the programs it adds.
function(paddock_test_programs folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_*.c)
  file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/support/*.c)
  set(links "")
  if(helpers)
    add_library(${folder}_support STATIC EXCLUDE_FROM_ALL ${helpers})
    target_link_libraries(${folder}_support PUBLIC paddock_flags ${test_libraries} ${ARGN})
    set(links ${folder}_support)
  endif()
  set(names "")
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    list(APPEND names ${name})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE paddock_flags ${links}
      -Wl,--start-group ${test_libraries} -Wl,--end-group ${ARGN})
  endforeach()
  set(${folder}_programs ${names} PARENT_SCOPE)
endfunction()

paddock_test_programs(bench PkgConfig::PKG_ssl PkgConfig::PKG_crypto)
add_custom_target(benches)
if(bench_programs)
  add_dependencies(benches ${bench_programs})
  if(NOT PADDOCK_TESTS) # the release build: programs only, unless asked
    set_target_properties(${bench_programs} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endif()

if(PADDOCK_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  foreach(folder unit property contract)
    paddock_test_programs(${folder} PkgConfig::CMOCKA)
    foreach(name IN LISTS ${folder}_programs)
      add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(${name} PROPERTIES LABELS ${folder} TIMEOUT 300 ENVIRONMENT "${test_environment}")
    endforeach()
  endforeach()
  foreach(name run sweep failure)
    set(test cli_${name})
    if(name STREQUAL "run")
      set(test cli)
    endif()
    add_test(NAME ${test} COMMAND ${CMAKE_SOURCE_DIR}/tests/cli/${name}.sh $<TARGET_FILE:paddock-sim>
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${test} PROPERTIES LABELS cli TIMEOUT 300 ENVIRONMENT "${test_environment}")
  endforeach()
  add_test(NAME cli_paddock COMMAND ${CMAKE_SOURCE_DIR}/tests/cli/paddock.sh $<TARGET_FILE:paddock>
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(cli_paddock PROPERTIES LABELS cli TIMEOUT 300 ENVIRONMENT "${test_environment}")
  add_test(NAME cli_words COMMAND ${CMAKE_SOURCE_DIR}/tests/cli/words.sh $<TARGET_FILE:paddock> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(cli_words PROPERTIES LABELS cli TIMEOUT 300 ENVIRONMENT "${test_environment}")
  # Against the program on real sockets; 77: what such a job needs is not on this machine.
  file(GLOB conformance CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conformance/*.sh)
  foreach(script IN LISTS conformance)
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME conformance_${name} COMMAND ${script} $<TARGET_FILE:paddock-sim> ${CMAKE_BINARY_DIR}/conformance
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(conformance_${name} PROPERTIES LABELS conformance TIMEOUT 600 SKIP_RETURN_CODE 77
      ENVIRONMENT "${test_environment}")
  endforeach()
  # The program paddock with an independent peer of its wire; 77: the peer cannot be built on this machine.
  add_test(NAME real_tunnel COMMAND ${CMAKE_SOURCE_DIR}/tests/real/tunnel.sh $<TARGET_FILE:paddock> ${CMAKE_BINARY_DIR}/real
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_tunnel PROPERTIES LABELS real TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  # A cluster imported by hand: server, agents and simulated APIs as processes; 77: no kubectl.
  add_test(NAME real_agent COMMAND ${CMAKE_SOURCE_DIR}/tests/real/agent.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim> ${CMAKE_BINARY_DIR}/real
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_agent PROPERTIES LABELS real TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  # Streams through manager and tunnel; 77: no kubectl.
  add_test(NAME real_streams COMMAND ${CMAKE_SOURCE_DIR}/tests/real/streams.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim>
    ${CMAKE_BINARY_DIR}/real-streams WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_streams PROPERTIES LABELS real TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  add_test(NAME real_server COMMAND ${CMAKE_SOURCE_DIR}/tests/real/server.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim>
    ${CMAKE_BINARY_DIR}/real_server WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_server PROPERTIES LABELS real TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  # Scenarios with real processes; 77: no network namespaces here.
  add_test(NAME real_world COMMAND ${CMAKE_SOURCE_DIR}/tests/real/world.sh $<TARGET_FILE:paddock-sim> ${CMAKE_BINARY_DIR}/real
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_world PROPERTIES LABELS real TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  # The package, and the manifests on the simulated API; 77: no tools for Debian packages, no kubectl.
  add_test(NAME real_package COMMAND ${CMAKE_SOURCE_DIR}/tests/real/package.sh ${CMAKE_BINARY_DIR} ${CMAKE_BINARY_DIR}/real-package)
  add_test(NAME real_deploy COMMAND ${CMAKE_SOURCE_DIR}/tests/real/deploy.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim>
    ${CMAKE_BINARY_DIR}/real-deploy WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  add_test(NAME real_quickstart COMMAND ${CMAKE_SOURCE_DIR}/tests/real/quickstart.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim>
    ${CMAKE_BINARY_DIR}/real WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(real_package real_deploy real_quickstart PROPERTIES LABELS real TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  foreach(name tunnel agents proxy return)
    add_test(NAME bench_${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/bench/smoke.sh $<TARGET_FILE:bench_${name}>)
    set_tests_properties(bench_${name} PROPERTIES LABELS bench TIMEOUT 300 ENVIRONMENT "${test_environment}")
  endforeach()
  # Who may not, may not; what a kill costs. Processes in a network of their own; 77: no node, no kubectl.
  foreach(name security recovery)
    add_test(NAME real_${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/real/${name}.sh $<TARGET_FILE:paddock> $<TARGET_FILE:paddock-sim>
      ${CMAKE_BINARY_DIR}/real WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(real_${name} PROPERTIES LABELS real TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
  endforeach()
  add_test(NAME layers COMMAND ${CMAKE_SOURCE_DIR}/tests/layers_check ${CMAKE_BINARY_DIR})
  set_tests_properties(layers PROPERTIES LABELS layers)
  add_test(NAME incidents COMMAND ${CMAKE_SOURCE_DIR}/tests/incidents_check)
endif()

if(PADDOCK_TESTS OR PADDOCK_FUZZ)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    if(PADDOCK_FUZZ)
      add_executable(${name} ${source})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
      add_executable(${name} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/support/replay.c)
      add_test(NAME ${name} COMMAND ${name} tests/fuzz/corpus/${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300 ENVIRONMENT "${test_environment}")
    endif()
    target_link_libraries(${name} PRIVATE paddock_flags -Wl,--start-group ${test_libraries} -Wl,--end-group)
  endforeach()
endif()
