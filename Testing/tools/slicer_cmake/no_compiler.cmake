# Initial cache (cmake -C): project() need not find a compiler, because nothing is compiled.
foreach(_language C CXX)
  set(CMAKE_${_language}_COMPILER "${CMAKE_COMMAND}" CACHE FILEPATH "never called")
  set(CMAKE_${_language}_COMPILER_ID_RUN TRUE CACHE BOOL "")
  set(CMAKE_${_language}_COMPILER_FORCED TRUE CACHE BOOL "")
endforeach()
