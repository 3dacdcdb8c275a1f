# The Lua module `ipchost.core`: build/lua/ipchost/core.so, for LUA_CPATH=build/lua/?.so. It takes lua_* from the process that
# loads it, so it is linked to no Lua, and takes from the border's archive only what it names: no luv.
file(GLOB core_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/host/core_*.c)
add_library(ipchost_core MODULE ${core_sources})
target_include_directories(ipchost_core PRIVATE ${LUA_INCLUDE_DIRS})
target_link_libraries(ipchost_core PRIVATE $<TARGET_FILE:ipchost_lua> ipchost_ipc PkgConfig::UV m)
add_dependencies(ipchost_core ipchost_lua)
set_target_properties(ipchost_core PROPERTIES PREFIX "" OUTPUT_NAME core
                                              LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lua/ipchost)
install(TARGETS ipchost_core LIBRARY DESTINATION lib/lua/5.4/ipchost)
install(DIRECTORY rocks/ipchost/ rocks/ipchost-async/ rocks/ipchost-renderer/ rocks/ipchost-test/ DESTINATION share/lua/5.4 FILES_MATCHING PATTERN "*.lua"
        PATTERN library EXCLUDE)
