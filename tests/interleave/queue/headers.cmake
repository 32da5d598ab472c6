# cmake -DFROM=include -DTO=FOLDER -P headers.cmake
# Writes a copy of windlass's headers whose threads, locks, atomics and clocks are the explorer's, so that a whole queue,
# workers and all, runs under it. What takes whose place is all here; a use of the standard library's own that is left
# over is an error.
file(GLOB_RECURSE headers RELATIVE ${FROM} ${FROM}/*.hpp)
foreach(header ${headers})
  file(READ ${FROM}/${header} text)
  string(REPLACE "#pragma once" "#pragma once\n#include \"interleave/engine/machine.hpp\"" text "${text}")
  # Counters of the process, which outlive a schedule, stay what they are; so no schedule may depend on them.
  string(REPLACE "inline std::atomic<" "inline std:: atomic<" text "${text}")
  # Threads of the model have shards of their own, and few: each is one more load wherever something is added up.
  string(REPLACE "shard_count = 8;" "shard_count = interleave::Atomics::shards;" text "${text}")
  string(REGEX REPLACE "(size_t my_shard\\(\\) noexcept {)[^}]*}" "\\1 return interleave::Atomics::my_shard(); }" text
         "${text}")
  string(REGEX REPLACE "(static inline|static) thread_local ([^\n=]*)[ ]([a-z]+) = ([a-z0-9]+);"
         "\\1 interleave::ThreadLocal<\\2> \\3{\\4};" text "${text}")
  string(REPLACE "std::atomic<" "interleave::Atomic<" text "${text}")
  string(REPLACE "std::mutex" "interleave::Mutex" text "${text}")
  string(REPLACE "std::condition_variable" "interleave::Condition" text "${text}")
  string(REPLACE "std::thread" "interleave::Thread" text "${text}")
  string(REPLACE "std::this_thread::yield()" "interleave::yield()" text "${text}")
  string(REGEX REPLACE "std::chrono::(steady_clock|system_clock)::now\\(\\)"
         "interleave::time_of<std::chrono::\\1>()" text "${text}")
  string(REGEX MATCH "std::(atomic<|mutex|condition_variable|thread|this_thread|chrono::[a-z_]*::now)|thread_local "
         left "${text}")
  if(left)
    message(FATAL_ERROR "${header}: not modelled: ${left}")
  endif()
  file(WRITE ${TO}/${header} "${text}")
endforeach()
