#pragma once

// Whichever Catch2 is installed: 3, or the single header of 2.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
