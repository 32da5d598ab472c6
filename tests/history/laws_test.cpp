#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "check.hpp"

using namespace std::chrono_literals;
using history::broken_laws;
using history::Duration;
using history::History;
using history::JobId;
using history::Note;
using history::Terms;
using history::Time;
using history::What;
using windlass::OutcomeKind;

// For each law: a history that breaks it, and only it, and a lawful one that is nearly the same.

namespace {

// Writes the history of one job by hand, and lets the stats say what the notes do.
class Story {
 public:
  explicit Story(const Terms& terms = {.lease = 1ns}) {
    history_.terms = {terms};
    says(What::enqueued);
    says(What::terms);
  }

  Story& says(What what, std::uint32_t thread = 1, std::uint32_t attempt = 0, std::uint32_t number = 0) {
    history_.notes.push_back({what, {}, thread, JobId{1, 0, 1}, now_, attempt, number, {}});
    return *this;
  }
  Story& returns(OutcomeKind outcome, std::uint32_t thread, std::uint32_t attempt, Duration by = {}) {
    history_.notes.push_back({What::returning, outcome, thread, JobId{1, 0, 1}, now_, attempt, 0, by});
    return *this;
  }
  Story& extends(Duration by) {
    history_.notes.push_back({What::extending, {}, 1, JobId{1, 0, 1}, now_, 1, 0, by});
    return says(What::extended, 1, 1);
  }
  Story& after(Duration by) {
    now_ += by;
    return *this;
  }

  [[nodiscard]] History read() const {
    History all = history_;
    windlass::Stats& stats = all.stats;
    for (const Note& note : all.notes) {
      stats.accepted += note.what == What::enqueued ? 1 : 0;
      stats.done += note.what == What::finished ? 1 : 0;
      stats.dead += note.what == What::dead ? 1 : 0;
      stats.cancelled += note.what == What::dropped ? 1 : 0;
      stats.returned += note.what == What::handed_back ? 1 : 0;
      stats.failures += note.what == What::failed ? 1 : 0;
      stats.retries += note.what == What::retry_scheduled ? 1 : 0;
      stats.expiries += note.what == What::lease_expired ? 1 : 0;
      stats.stale_settles += note.what == What::stale_settle || note.what == What::lost ? 1 : 0;
    }
    stats.cancelled -= stats.returned;
    stats.present = stats.accepted - stats.done - stats.dead - stats.cancelled - stats.returned;
    return all;
  }

  [[nodiscard]] std::string broken() const { return broken_laws(read()); }

 private:
  History history_;
  Time now_{1h};
};

// Run A hangs on thread 1, loses its lease, and run B has started on thread 2.
Story two_runs() {
  Story story;
  story.says(What::started, 1).after(1s).says(What::lease_expired, 2).says(What::retry_scheduled, 2);
  return story.says(What::started, 2);
}

bool is_only(const std::string& broken, const std::string& law) {
  const bool is_one = broken.find("\n") != std::string::npos && broken.rfind(law + ": ", 0) == 0;
  std::size_t laws = broken.find("numbers_add_up: ") != std::string::npos ? 1 : 0;
  for (const auto& each : history::laws_of_life) {
    if (broken.find(std::string(each.name) + ": ") != std::string::npos) ++laws;
  }
  return is_one && laws == 1;
}

}  // namespace

TEST_CASE("lawful histories break no law", "[history]") {
  CHECK(Story{}.says(What::started).returns(OutcomeKind::done, 1, 1).says(What::finished).broken().empty());
  CHECK(two_runs()
            .returns(OutcomeKind::done, 2, 2)
            .says(What::finished, 2)
            .returns(OutcomeKind::done, 1, 1)
            .says(What::stale_settle, 1)
            .broken()
            .empty());
  CHECK(Story{}.says(What::dropped, 2).says(What::cancelled, 2).broken().empty());
  CHECK(Story{}.broken().empty());  // it is still there
}

// Whoever is stopped between its lease and the note of its start may write that at any later time.
TEST_CASE("a start that is noted after its lease was lost is in time if its run says which attempt it was",
          "[history]") {
  const auto late_start = [](std::uint32_t attempt) {
    Story story;
    story.after(1s).says(What::lease_expired, 2).says(What::retry_scheduled, 2).says(What::started, 2);
    story.returns(OutcomeKind::done, 2, 2).says(What::finished, 2).says(What::started, 1);
    return story.returns(OutcomeKind::done, 1, attempt).says(What::stale_settle, 1);
  };
  CHECK(late_start(1).broken().empty());
  CHECK(is_only(late_start(2).broken(), "over_is_over"));
  CHECK(is_only(two_runs().returns(OutcomeKind::done, 2, 2).says(What::finished, 2).says(What::started, 1).broken(),
                "over_is_over"));  // it does not say
  CHECK(is_only(two_runs().says(What::started, 3).returns(OutcomeKind::done, 3, 1).says(What::stale_settle, 3).broken(),
                "one_lease_at_a_time"));  // two runs of one attempt
  Story has_both_leases;
  has_both_leases.says(What::started).after(1s).says(What::lease_expired).says(What::retry_scheduled);
  has_both_leases.says(What::started).returns(OutcomeKind::done, 1, 1).says(What::stale_settle);
  CHECK(has_both_leases.broken().empty());  // what the thread wrote meanwhile shows that the start is none of attempt 1
}

TEST_CASE("a job that ends twice or does not begin with its enqueue is against the law", "[history]") {
  CHECK(is_only(Story{}.says(What::started).says(What::finished).says(What::finished).broken(), "ends_once"));
  CHECK(is_only(Story{}.says(What::started).says(What::finished).says(What::dropped).broken(), "ends_once"));
  CHECK(is_only(Story{}.says(What::enqueued).broken(), "ends_once"));
  History backwards = Story{}.says(What::started).read();
  std::swap(backwards.notes.front(), backwards.notes.back());
  CHECK(is_only(broken_laws(backwards), "ends_once"));
}

TEST_CASE("what comes after a job's end is against the law", "[history]") {
  for (const What what : {What::started, What::failed, What::retry_scheduled, What::lease_expired}) {
    INFO(to_string(what));
    CHECK(is_only(Story{}.says(What::started).says(What::finished).after(1s).says(what).broken(), "over_is_over"));
  }
}

TEST_CASE("more failures or hangs or deliveries than were set are against the law", "[history]") {
  Terms terms;
  const auto fail_twice = [&] {
    Story story(terms);
    return story.says(What::started).says(What::failed).says(What::started).says(What::failed).broken();
  };
  const auto hang_and_fail = [&] {
    Story story(terms);
    return story.says(What::started).says(What::lease_expired).says(What::started).says(What::failed).broken();
  };
  terms.lease = 0s;
  CHECK(fail_twice().empty());
  terms.max_failures = 2;
  CHECK(fail_twice().empty());
  terms.max_failures = 1;
  CHECK(is_only(fail_twice(), "limits_hold"));

  terms = {.lease = 1ns, .max_hangs = 1, .max_deliveries = 2};
  CHECK(hang_and_fail().find("limits_hold") == std::string::npos);
  terms.max_deliveries = 1;
  CHECK(hang_and_fail().find("limits_hold") != std::string::npos);
  terms = {.lease = 1ns, .max_hangs = 0};
  CHECK(hang_and_fail().find("limits_hold") != std::string::npos);
}

TEST_CASE("a run that starts before it is due is against the law", "[history]") {
  CHECK(Story{{.due = Time{1h}}}.says(What::started).broken().empty());
  CHECK(is_only(Story{{.due = Time{1h + 1ns}}}.says(What::started).broken(), "starts_when_due"));
  for (const bool is_early : {true, false}) {
    const Duration passes = is_early ? 999ms : 1s;
    const std::string expected = is_early ? "starts_when_due" : "";
    const auto breaks = [&](const Story& story) {
      return is_early ? is_only(story.broken(), "starts_when_due") : story.broken().empty();
    };
    CHECK(breaks(Story{}.says(What::started).returns(OutcomeKind::snooze, 1, 1, 1s).after(passes).says(What::started)));
    CHECK(breaks(Story{}
                     .says(What::started)
                     .returns(OutcomeKind::retry_after, 1, 1, 1s)
                     .says(What::failed)
                     .after(passes)
                     .says(What::started)));
    CHECK(breaks(Story{{.backoff = 1s}}
                     .says(What::started)
                     .returns(OutcomeKind::retry, 1, 1)
                     .says(What::failed)
                     .after(passes)
                     .says(What::started)));
  }
}

TEST_CASE("a snooze of a run that had lost its lease by then delays nothing", "[history]") {
  CHECK(Story{}
            .says(What::started, 1)
            .after(1s)
            .returns(OutcomeKind::snooze, 1, 1, 1h)
            .says(What::lease_expired, 2)
            .says(What::retry_scheduled, 2)
            .says(What::started, 2)
            .says(What::stale_settle, 1)
            .broken()
            .empty());
}

TEST_CASE("a lease that is lost before its end or that has none is against the law", "[history]") {
  const auto loses_after = [](Duration passes) {
    return Story{{.lease = 1s}}.says(What::started).after(passes).says(What::lease_expired).broken();
  };
  CHECK(loses_after(1s).empty());
  CHECK(is_only(loses_after(999ms), "leases_last"));
  CHECK(is_only(Story{Terms{}}.says(What::started).after(1h).says(What::lease_expired).broken(), "leases_last"));
  const auto extended = [](Duration passes) {
    return Story{{.lease = 1s}}.says(What::started).extends(3s).after(passes).says(What::lease_expired).broken();
  };
  CHECK(extended(3s).empty());
  CHECK(is_only(extended(2s), "leases_last"));
}

TEST_CASE("two runs that have one job at a time are against the law", "[history]") {
  CHECK(is_only(Story{}.says(What::started, 1).says(What::started, 2).broken(), "one_lease_at_a_time"));
  CHECK(is_only(Story{}.says(What::finished).broken(), "one_lease_at_a_time"));
  CHECK(is_only(Story{}.says(What::started).returns(OutcomeKind::done, 1, 2).broken(), "one_lease_at_a_time"));
  CHECK(Story{}.says(What::started, 1).returns(OutcomeKind::yield, 1, 1).says(What::started, 2).broken().empty());
}

TEST_CASE("a stale settle that counts is against the law", "[history]") {
  for (const What what : {What::finished, What::failed, What::retry_scheduled, What::settled}) {
    INFO(to_string(what));
    CHECK(is_only(two_runs().returns(OutcomeKind::done, 1, 1).says(what, 1).broken(), "stale_counts_for_nothing"));
  }
  CHECK(is_only(two_runs().returns(OutcomeKind::yield, 1, 1).says(What::failed, 2).says(What::started, 1).broken(),
                "stale_counts_for_nothing"));
}

TEST_CASE("two commits or a run after one or an effect that happens twice are against the law", "[history]") {
  const auto committed = [] {
    Story story;
    return story.says(What::started).says(What::committed, 1, 1);
  };
  CHECK(committed().says(What::effect, 1, 1).says(What::finished).broken().empty());
  CHECK(is_only(committed().broken(), "effects_happen_once"));
  CHECK(is_only(committed().says(What::effect, 1, 1).says(What::effect, 1, 1).broken(), "effects_happen_once"));
  CHECK(is_only(committed().says(What::effect, 1, 1).says(What::committed, 1, 1).broken(), "effects_happen_once"));
  CHECK(is_only(committed().says(What::effect, 1, 1).after(1s).says(What::lease_expired).broken(),
                "effects_happen_once"));
  CHECK(is_only(Story{}.says(What::started).says(What::effect, 1, 1).broken(), "effects_happen_once"));
  CHECK(is_only(two_runs().says(What::committed, 1, 1).says(What::effect, 1, 1).broken(), "effects_happen_once"));
}

TEST_CASE("a run or a success after a cancel that said cancelled is against the law", "[history]") {
  CHECK(is_only(Story{}.says(What::cancelled, 2).says(What::started).broken(), "cancelled_is_cancelled"));
  CHECK(is_only(Story{}.says(What::started).says(What::cancelled, 2).says(What::finished).broken(),
                "cancelled_is_cancelled"));
  CHECK(is_only(Story{}.says(What::cancelled, 2).says(What::dead).broken(), "cancelled_is_cancelled"));
}

TEST_CASE("a letter that is one too many or tells of other failures is against the law", "[history]") {
  const auto dies = [] {
    Story story;
    return story.says(What::started).says(What::failed).says(What::dead);
  };
  CHECK(dies().says(What::letter, 1, 0, 1).broken().empty());
  CHECK(is_only(dies().says(What::letter, 1, 0, 2).broken(), "letters_tell_the_truth"));
  CHECK(is_only(dies().says(What::letter, 1, 0, 1).says(What::letter, 1, 0, 1).broken(), "letters_tell_the_truth"));
  CHECK(is_only(Story{}.says(What::letter).broken(), "letters_tell_the_truth"));
}

TEST_CASE("stats that say otherwise than the events are against the law", "[history]") {
  const History lawful = two_runs().returns(OutcomeKind::done, 1, 1).says(What::stale_settle, 1).read();
  REQUIRE(broken_laws(lawful).empty());
  for (const auto number :
       {&windlass::Stats::accepted, &windlass::Stats::done, &windlass::Stats::dead, &windlass::Stats::cancelled,
        &windlass::Stats::discarded, &windlass::Stats::returned, &windlass::Stats::present}) {
    History wrong = lawful;
    wrong.stats.*number += 1;
    CHECK(is_only(broken_laws(wrong), "numbers_add_up"));
  }
  for (const auto number : {&windlass::Stats::failures, &windlass::Stats::retries, &windlass::Stats::stale_settles}) {
    History wrong = lawful;
    wrong.stats.*number += 1;
    CHECK(is_only(broken_laws(wrong), "numbers_add_up"));
  }
  History wrong = lawful;
  wrong.stats.expiries = 0;
  CHECK(is_only(broken_laws(wrong), "numbers_add_up"));
}
