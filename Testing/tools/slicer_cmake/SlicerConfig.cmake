# What find_package(Slicer) finds in the tests: a stand-in for the build tree of 3D Slicer. It configures and installs
# the extension as 3D Slicer's own macros do, and builds nothing.
#
#   cmake -S . -B build -DSlicer_DIR=Testing/tools/slicer_cmake -C Testing/tools/slicer_cmake/no_compiler.cmake
#   cmake --install build --prefix tree
set(Slicer_VERSION_MAJOR 5)
set(Slicer_VERSION_MINOR 13)
set(Slicer_USE_PYTHONQT ON)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-${Slicer_VERSION_MAJOR}.${Slicer_VERSION_MINOR}/qt-scripted-modules")
set(Slicer_SHARE_DIR "share/Slicer-${Slicer_VERSION_MAJOR}.${Slicer_VERSION_MINOR}")
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/PackExtension.cmake")
