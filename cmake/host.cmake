# The host binary: the composition files on top of the layers, and the Lua modules of rocks/ embedded into the border.
set(rocks ${CMAKE_SOURCE_DIR}/rocks/ipchost ${CMAKE_SOURCE_DIR}/rocks/ipchost-async ${CMAKE_SOURCE_DIR}/rocks/ipchost-renderer
    ${CMAKE_SOURCE_DIR}/rocks/ipchost-test)
set(embedded ${CMAKE_BINARY_DIR}/embedded.c)
file(GLOB_RECURSE rock_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rocks/*.lua)
add_custom_command(
  OUTPUT ${embedded}
  COMMAND ${LUA_INTERPRETER} ${CMAKE_SOURCE_DIR}/tools/embed.lua ${embedded} ${rocks}
  DEPENDS ${rock_sources} ${CMAKE_SOURCE_DIR}/tools/embed.lua ${CMAKE_SOURCE_DIR}/tools/embedding.lua
  VERBATIM)
target_sources(ipchost_lua PRIVATE ${embedded})

# The JavaScript client, which the HTTP servers serve.
set(client ${CMAKE_BINARY_DIR}/client.c)
file(GLOB client_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/renderer/*.js)
add_custom_command(
  OUTPUT ${client}
  COMMAND ${LUA_INTERPRETER} ${CMAKE_SOURCE_DIR}/tools/bundle.lua ${client} ${CMAKE_SOURCE_DIR}/renderer renderer.js electron.js
  DEPENDS ${client_sources} ${CMAKE_SOURCE_DIR}/tools/bundle.lua
  VERBATIM)

# What `ipchost init` writes.
set(template ${CMAKE_BINARY_DIR}/template.c)
file(GLOB_RECURSE template_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/host/template/*)
add_custom_command(
  OUTPUT ${template}
  COMMAND ${LUA_INTERPRETER} ${CMAKE_SOURCE_DIR}/tools/embed_template.lua ${template} ${CMAKE_SOURCE_DIR}/host/template
  DEPENDS ${template_files} ${CMAKE_SOURCE_DIR}/tools/embed_template.lua ${CMAKE_SOURCE_DIR}/tools/embedding.lua
  VERBATIM)

file(GLOB app_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/host/*.c)
list(REMOVE_ITEM app_sources ${CMAKE_SOURCE_DIR}/host/main.c)
add_library(ipchost_app STATIC ${app_sources} ${client} ${template})
target_include_directories(ipchost_app PUBLIC ${CMAKE_SOURCE_DIR}/host)
target_link_libraries(ipchost_app PUBLIC ipchost_lua ipchost_transport)
target_include_directories(ipchost_app SYSTEM PRIVATE ${LUV_INCLUDE})

add_executable(ipchost host/main.c)
target_link_libraries(ipchost PRIVATE ipchost_app)
# Rocks with C parts (cjson, DBI) take lua_* from the process.
set_target_properties(ipchost PROPERTIES ENABLE_EXPORTS ON RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
install(TARGETS ipchost RUNTIME DESTINATION bin)
