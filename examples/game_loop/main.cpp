// A game at 60 frames a second. Workers search paths; what they find comes back to the main thread through a second
// queue that has no thread of its own: the loop pumps it for at most 2 ms a frame, so that no frame is late.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <thread>
#include <vector>
#include <windlass/windlass.hpp>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int frames = 60;
constexpr int frames_per_wave = 10;
constexpr int units_per_wave = 40;
constexpr auto frame_length = 16'667us;
constexpr auto budget = 2ms;

/// The least number of steps from the west to the east of a map, starting in `row` (1 to 62): breadth first.
int steps_across(std::size_t row) {
  constexpr std::size_t size = 64;
  constexpr int unknown = -1, wall = -2;
  std::vector<int> steps(size * size, unknown);
  for (std::size_t i = 0; i < size; ++i) steps[i] = steps[size * i] = wall;  // north and west
  for (std::size_t i = 0; i < size; ++i) steps[size * (size - 1) + i] = wall;
  for (std::size_t x = 4; x < size - 1; x += 4) {  // walls from north to south, with one gap each
    for (std::size_t y = 1; y < size; ++y) steps[size * y + x] = y == 1 + x * 7 % 62 ? unknown : wall;
  }
  std::vector<std::size_t> frontier{size * row + 1};
  steps[frontier[0]] = 0;
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const std::size_t from = frontier[i];
    if (from % size == size - 1) return steps[from];
    for (const std::size_t to : {from - 1, from + 1, from - size, from + size}) {
      if (steps[to] != unknown) continue;
      steps[to] = steps[from] + 1;
      frontier.push_back(to);
    }
  }
  return unknown;
}

/// What the main thread owns; no lock, for nobody else touches it.
struct Game {
  std::thread::id main_thread = std::this_thread::get_id();
  std::vector<int> paths;  // steps by unit; -1: asked for, not known yet
  std::size_t arrived = 0;
  std::size_t on_wrong_thread = 0;
  struct Span {
    Clock::time_point start, end;
  };
  std::vector<Span> this_pump;  // the jobs that the current pump ran

  void apply(std::size_t unit, int steps) {
    const auto start = Clock::now();
    if (std::this_thread::get_id() != main_thread) ++on_wrong_thread;
    if (paths[unit] == -1) ++arrived;
    paths[unit] = steps;
    while (Clock::now() < start + 200us) {  // stands for setting the unit in motion
    }
    this_pump.push_back({start, Clock::now()});
  }
};

int wrong = 0;
void check(bool holds, const char* claim) {
  if (holds) return;
  std::cout << "WRONG: " << claim << '\n';
  ++wrong;
}

}  // namespace

int main() {
  Game game;
  windlass::JobQueue<> ui{{.name = "ui", .workers = 0}};  // before the workers' queue: they enqueue into it
  windlass::JobQueue<> work{{.name = "work", .workers = 2}};
  std::size_t pumped = 0;
  std::size_t most_left = 0;
  windlass::Duration worst_overrun{};
  windlass::Duration longest_job{};

  const auto pump = [&] {
    game.this_pump.clear();
    const auto result = ui.pump({.budget = budget});
    pumped += result.ran;
    most_left = std::max<std::size_t>(most_left, result.left);
    worst_overrun = std::max<windlass::Duration>(worst_overrun, result.overrun);
    check(result.ran == game.this_pump.size(), "a pump ran as many jobs as it says");
    for (const auto& job : game.this_pump) longest_job = std::max<windlass::Duration>(longest_job, job.end - job.start);
    if (game.this_pump.empty()) return;
    // A pump begins before its first job does. So however busy this machine is: jobs that another one followed had
    // ended within the budget, and only the last may have gone over it, by no more than the pump owns up to.
    const auto limit = game.this_pump.front().start + budget;
    for (std::size_t i = 0; i + 1 < game.this_pump.size(); ++i) {
      check(game.this_pump[i].end < limit, "no job was started once the budget was spent");
    }
    check(game.this_pump.back().end <= limit + result.overrun, "a pump overran by no more than it says");
  };

  auto next_frame = Clock::now();
  for (int frame = 0; frame < frames; ++frame) {
    if (frame % frames_per_wave == 0) {
      for (int i = 0; i < units_per_wave; ++i) {
        const std::size_t unit = game.paths.size();
        game.paths.push_back(-1);
        // try_: a frame never waits for room.
        work.try_enqueue([&game, &ui, unit] {
              const int steps = steps_across(1 + unit % 62);
              ui.try_enqueue([&game, unit, steps] { game.apply(unit, steps); }).or_throw();  // full: try again later
            })
            .or_throw();
      }
    }
    pump();
    next_frame += frame_length;
    std::this_thread::sleep_until(next_frame);  // stands for drawing and waiting for the screen
  }
  check(static_cast<bool>(work.drain_for(10s)), "the workers finished");
  while (ui.size_approx() > 0) pump();

  const std::size_t asked = static_cast<std::size_t>(frames / frames_per_wave * units_per_wave);
  check(game.arrived == asked && pumped == asked, "every path arrived, once");
  check(game.on_wrong_thread == 0, "all of them on the main thread");
  check(std::all_of(game.paths.begin(), game.paths.end(), [](int steps) { return steps >= 62; }),
        "each of them leads across");
  const auto ms = [](windlass::Duration time) { return std::chrono::duration<double, std::milli>(time).count(); };
  std::cout << frames << " frames, " << pumped << " jobs pumped, at most " << most_left << " left for later frames\n"
            << "longest pump: " << ms(budget + worst_overrun) << " ms, longest job: " << ms(longest_job) << " ms\n";
  return wrong == 0 ? 0 : 1;
}
