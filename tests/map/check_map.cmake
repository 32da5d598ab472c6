# Keeps tests/README.md true. In its tables the first column says what, the second names the tests, each in backticks:
# all must be among those that ctest knows, and files (first column a feature) must be there. No trap, no fault and no
# row of the transition table may be missing or without a test.
#
#   cmake -DCTEST=ctest -DBUILD=<build folder> -DSCRATCH=<any folder> -P check_map.cmake
cmake_minimum_required(VERSION 3.21)

set(traps T01 T02 T04 T05 T06 T07 T08 T09 T10 T11 T12 T13 T14 T15 T16 T20 T21 T23 T24 T25 T26 T27 T28 T30 T32 T33 T39
          T40 T42 T43 T44 T45 T46 T47 T48 T49 T52 T53 T54)
set(faults F01 F02 F03 F04 F05 F06 F07 F08 F09 F10 F11 F12 F13 F14 F15)
set(rows 1 2 3 3a 4 5 5a 6 6a 6b 7 8 8a 9a 9a' 9b 9c 9d 10 11 12)

# ctest -N overwrites the log of the run that it is called from, so it is called from a folder of its own.
file(WRITE ${SCRATCH}/CTestTestfile.cmake "subdirs(\"${BUILD}\")\n")
execute_process(COMMAND ${CTEST} -N WORKING_DIRECTORY ${SCRATCH} OUTPUT_VARIABLE known RESULT_VARIABLE result)
if(result OR NOT known MATCHES "Total Tests: [1-9]")
  message(FATAL_ERROR "${CTEST} -N lists no tests in ${BUILD}: ${known}")
endif()
string(REGEX REPLACE "\n *Test +#[0-9]+: " "\n" known "\n${known}\n")

# What means something to a CMake list is spelled out, in names and in text alike.
file(READ ${CMAKE_CURRENT_LIST_DIR}/../README.md text)
foreach(variable known text)
  string(REPLACE ";" "<semicolon>" ${variable} "${${variable}}")
  string(REPLACE "[" "<open>" ${variable} "${${variable}}")
  string(REPLACE "]" "<close>" ${variable} "${${variable}}")
  string(REPLACE "\\" "<backslash>" ${variable} "${${variable}}")
endforeach()

set(wrong "")
# catch_discover_tests splits a name at a semicolon, and neither half then names a test: ctest runs nothing and passes.
string(REGEX MATCHALL "\n [^\n]+" halves "${known}")
foreach(half IN LISTS halves)
  string(STRIP "${half}" half)
  string(APPEND wrong "\n  half a name, for there is a semicolon before it: ${half}")
endforeach()

set(seen "")
set(count 0)
string(REPLACE "\n" ";" lines "${text}")
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^\\| ([^ |]+)([^|]*)\\|([^|]*)\\|")
    continue()
  endif()
  set(id "${CMAKE_MATCH_1}")
  set(cell "${CMAKE_MATCH_3}")
  string(REGEX MATCHALL "`[^`]+`" names "${cell}")
  if(names)
    list(APPEND seen "${id}")
  endif()
  foreach(name IN LISTS names)
    math(EXPR count "${count} + 1")
    string(REPLACE "`" "" name "${name}")
    if(name MATCHES "\\.(cpp|sh|cmake)$")
      if(NOT EXISTS ${CMAKE_CURRENT_LIST_DIR}/../${name})
        string(APPEND wrong "\n  no such file:  tests/${name}")
      endif()
      continue()
    endif()
    string(FIND "${known}" "\n${name}\n" at)
    if(at EQUAL -1)
      string(APPEND wrong "\n  no such test:  ${name}")
    endif()
  endforeach()
endforeach()
foreach(id IN LISTS traps faults rows)
  if(NOT id IN_LIST seen)
    string(APPEND wrong "\n  without a test: ${id}")
  endif()
endforeach()

if(wrong)
  string(REPLACE "<semicolon>" ";" wrong "${wrong}")
  string(REPLACE "<open>" "[" wrong "${wrong}")
  string(REPLACE "<close>" "]" wrong "${wrong}")
  string(REPLACE "<backslash>" "\\" wrong "${wrong}")
  message(FATAL_ERROR "tests/README.md is not true:${wrong}")
endif()
message(STATUS "tests/README.md names ${count} tests and files, and all exist")
