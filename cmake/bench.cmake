# The benchmark's programs, in bench/ of the build directory: the raw reference, the load generator, the start timer.
set(bench_dir ${CMAKE_BINARY_DIR}/bench)

function(bench_program name)
  add_executable(bench_${name} ${ARGN})
  target_link_libraries(bench_${name} PRIVATE ipchost_base)
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${bench_dir})
endfunction()

bench_program(raw_echo bench/raw_echo.c bench/wire.c)
target_link_libraries(bench_raw_echo PRIVATE PkgConfig::UV)
bench_program(load bench/load.c bench/link.c bench/payload.c bench/ports.c bench/websocket.c bench/wire.c)
bench_program(ready bench/ready.c bench/wire.c)
