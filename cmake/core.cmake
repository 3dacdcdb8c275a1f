# The Lua module `ipchost.core`: build/lua/ipchost/core.so, for LUA_CPATH=build/lua/?.so. It takes lua_* from the process that
# loads it, so it is compiled from the sources that need no more of the host, and linked to no Lua.
file(GLOB core_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/host/core_*.c ${CMAKE_SOURCE_DIR}/host/lua/clone*.c
     ${CMAKE_SOURCE_DIR}/host/lua/emitter*.c ${CMAKE_SOURCE_DIR}/host/lua/value*.c)
add_library(ipchost_core MODULE ${core_sources})
target_include_directories(ipchost_core PRIVATE ${LUA_INCLUDE_DIRS})
target_link_libraries(ipchost_core PRIVATE ipchost_wire ipchost_base)
set_target_properties(ipchost_core PROPERTIES PREFIX "" OUTPUT_NAME core
                                              LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lua/ipchost)
