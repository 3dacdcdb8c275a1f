# What editors and linters know of the scripts' environment: share/ipchost, in the build folder and where it is installed.
file(GLOB editor_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/editor/lua-meta/*.lua ${CMAKE_SOURCE_DIR}/rocks/*/library/*.lua)
set(share ${CMAKE_BINARY_DIR}/share/ipchost)
foreach(file ${editor_files})
  get_filename_component(name ${file} NAME)
  configure_file(${file} ${share}/lua-meta/${name} COPYONLY)
endforeach()
configure_file(${CMAKE_SOURCE_DIR}/editor/luacheckrc ${share}/luacheckrc COPYONLY)
install(DIRECTORY ${share} DESTINATION share)
