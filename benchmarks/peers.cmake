# The peers that windlass is compared with. One that is not installed is left out, with a message; its rows are then
# missing. A peer that was found is announced to the sources by WINDLASS_BENCH_<NAME>.

# Says and remembers what became of the peer `name`; `found` is what a find_ command left.
function(windlass_note_peer name found package)
  if(found)
    set_property(GLOBAL APPEND PROPERTY WINDLASS_BENCH_PEERS WINDLASS_BENCH_${name})
    message(STATUS "benchmarks: ${name} found")
  else()
    message(STATUS "benchmarks: ${name} not found, left out (Debian: ${package})")
  endif()
endfunction()

# Peers that are headers only.
function(windlass_find_header_peer name header package)
  find_path(WINDLASS_BENCH_${name}_INCLUDE "${header}")
  windlass_note_peer(${name} "${WINDLASS_BENCH_${name}_INCLUDE}" ${package})
endfunction()

windlass_find_header_peer(MOODYCAMEL concurrentqueue/blockingconcurrentqueue.h libconcurrentqueue-dev)
windlass_find_header_peer(ASIO asio/thread_pool.hpp libasio-dev)
windlass_find_header_peer(BOOST boost/lockfree/queue.hpp libboost-dev)
windlass_find_header_peer(XENIUM xenium/vyukov_bounded_queue.hpp libxenium-dev)
windlass_find_header_peer(THREAD_POOL thread_pool/thread_pool.hpp libthread-pool-dev)
# VyukovMPMCCycleQueue needs nothing of libcds but its headers.
windlass_find_header_peer(CDS cds/container/vyukov_mpmc_cycle_queue.h libcds-dev)
find_package(TBB QUIET)
windlass_note_peer(TBB "${TBB_FOUND}" libtbb-dev)

# Peers that no Debian package has. Only on request: they come from GitHub.
option(WINDLASS_BENCH_FETCH "Fetch BS::thread_pool, Taskflow, dp and marl to compare with" OFF)
if(WINDLASS_BENCH_FETCH)
  include(FetchContent)
  # Headers in the folder `include` of a repository, whose own CMake files are left alone.
  function(windlass_fetch_header_peer name repository tag include)
    FetchContent_Declare(windlass_${name} GIT_REPOSITORY https://github.com/${repository}.git GIT_TAG ${tag}
      GIT_SHALLOW ON SOURCE_SUBDIR nothing-to-build)
    FetchContent_MakeAvailable(windlass_${name})
    FetchContent_GetProperties(windlass_${name} SOURCE_DIR folder)
    set_property(GLOBAL APPEND PROPERTY WINDLASS_BENCH_FETCHED_INCLUDES "${folder}/${include}")
    windlass_note_peer(${name} ON "")
  endfunction()
  windlass_fetch_header_peer(BS bshoshany/thread-pool v4.1.0 include)
  windlass_fetch_header_peer(TASKFLOW taskflow/taskflow v3.7.0 .)
  windlass_fetch_header_peer(DP DeveloperPaul123/thread-pool 0.7.0 include)
  set(MARL_BUILD_TESTS OFF)
  FetchContent_Declare(windlass_marl GIT_REPOSITORY https://github.com/google/marl.git GIT_TAG main GIT_SHALLOW ON)
  FetchContent_MakeAvailable(windlass_marl)
  set_property(GLOBAL APPEND PROPERTY WINDLASS_BENCH_FETCHED_INCLUDES "${windlass_marl_SOURCE_DIR}/include")
  windlass_note_peer(MARL ON "")
endif()

# Compiles `target` with every peer that was found.
function(windlass_add_peers target)
  get_property(peers GLOBAL PROPERTY WINDLASS_BENCH_PEERS)
  get_property(fetched GLOBAL PROPERTY WINDLASS_BENCH_FETCHED_INCLUDES)
  target_compile_definitions(${target} PRIVATE ${peers})
  target_include_directories(${target} SYSTEM PRIVATE ${fetched})
  foreach(peer IN LISTS peers)
    if(${peer}_INCLUDE)
      target_include_directories(${target} SYSTEM PRIVATE "${${peer}_INCLUDE}")
    endif()
  endforeach()
  if(TBB_FOUND)
    target_link_libraries(${target} PRIVATE TBB::tbb)
  endif()
  if(WINDLASS_BENCH_FETCH)
    target_link_libraries(${target} PRIVATE marl)
  endif()
endfunction()
