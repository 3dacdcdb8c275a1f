# C tests and fuzz targets. Target c_tests builds all of them; `ctest` runs them.
#   spec/unit/c/<layer>_<what>.c  becomes test_<layer>_<what>, linked to ipchost_<layer>
#   spec/fuzz/fuzz_<what>.c       names its layer in the first line, `// layer: wire`. It becomes replay_<what>, which runs the
#                                 kept corpus without libFuzzer; with IPCHOST_FUZZ (clang) also fuzz_<what>.
enable_testing()
add_custom_target(c_tests)

# The vectors that C tests read are turned into C tables, so that a test carries its data.
set(vectors_dir ${CMAKE_BINARY_DIR}/vectors)
add_custom_command(
  OUTPUT ${vectors_dir}/packets.inc
  COMMAND ${CMAKE_COMMAND} -E make_directory ${vectors_dir}
  COMMAND ${LUA_INTERPRETER} ${CMAKE_SOURCE_DIR}/spec/unit/c/packets_to_c.lua
          ${CMAKE_SOURCE_DIR}/spec/vectors/packets.json ${vectors_dir}/packets.inc
  DEPENDS ${CMAKE_SOURCE_DIR}/spec/vectors/packets.json ${CMAKE_SOURCE_DIR}/spec/unit/c/packets_to_c.lua
  VERBATIM)
add_custom_target(c_vectors DEPENDS ${vectors_dir}/packets.inc)

function(c_test name layer)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/spec/unit/c ${vectors_dir})
  target_link_libraries(${name} PRIVATE ipchost_${layer})
  if(layer STREQUAL wire)
    add_dependencies(${name} c_vectors)
  endif()
  add_dependencies(c_tests ${name})
endfunction()

file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/spec/unit/c/*_*.c)
foreach(source ${unit_sources})
  get_filename_component(what ${source} NAME_WE)
  string(REGEX MATCH "^[a-z]+" layer ${what})
  c_test(test_${what} ${layer} ${source})
  add_test(NAME ${what} COMMAND test_${what} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endforeach()

# By name: it is looked for when this test is built, not when a machine that only runs the host configures.
target_link_libraries(test_wire_libcbor PRIVATE cbor)

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/spec/fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
  get_filename_component(what ${source} NAME_WE)
  string(REPLACE "fuzz_" "" what ${what})
  file(STRINGS ${source} first LIMIT_COUNT 1)
  if(NOT first MATCHES "^// layer: ([a-z]+)$")
    message(FATAL_ERROR "${source}: the first line must name the layer, as in '// layer: wire'")
  endif()
  set(layer ${CMAKE_MATCH_1})
  c_test(replay_${what} ${layer} ${source} ${CMAKE_SOURCE_DIR}/spec/fuzz/replay.c)
  add_test(NAME replay_${what} COMMAND replay_${what} ${CMAKE_SOURCE_DIR}/spec/fuzz/corpus/${what})
  if(IPCHOST_FUZZ)
    c_test(fuzz_${what} ${layer} ${source})
    target_link_options(fuzz_${what} PRIVATE -fsanitize=fuzzer)
  endif()
endforeach()
