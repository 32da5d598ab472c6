#include <windlass/windlass.hpp>
