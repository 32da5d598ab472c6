#pragma once

// What a scenario includes.
#include "engine/checked.hpp"
#include "engine/explore.hpp"
#include "engine/policy.hpp"
#include "session.hpp"
