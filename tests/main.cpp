// Catch2 3 brings its own main; Catch2 2 defines it in one translation unit.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#endif
#include "catch.hpp"
