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

# Compiles `target` with every peer that was found.
function(windlass_add_peers target)
  get_property(peers GLOBAL PROPERTY WINDLASS_BENCH_PEERS)
  target_compile_definitions(${target} PRIVATE ${peers})
  foreach(peer IN LISTS peers)
    if(${peer}_INCLUDE)
      target_include_directories(${target} SYSTEM PRIVATE "${${peer}_INCLUDE}")
    endif()
  endforeach()
  if(TBB_FOUND)
    target_link_libraries(${target} PRIVATE TBB::tbb)
  endif()
endfunction()
