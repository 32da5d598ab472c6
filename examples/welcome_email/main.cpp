// A sign-up page that answers at once; a queue sends the welcome mails. A mail is tried again while the service is
// flaky, is never sent twice, and is set aside when the service stays down too long or the address is wrong.

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

using namespace std::chrono_literals;
using windlass::DeadReason, windlass::Outcome;

namespace {

struct WelcomeMail {
  std::string to;
  std::uint64_t sign_up = 0;  // the same at every attempt, after a restart too: what the provider knows the mail by
};

using MailQueue = windlass::JobQueue<WelcomeMail>;
using MailLetter = windlass::DeadLetter<WelcomeMail>;

/// Stands in for a mail provider. Each mail comes with a key; one whose key was seen before is not sent again.
class MailService {
 public:
  void set_down(bool is_down) {
    const std::lock_guard lock(mutex_);
    is_down_ = is_down;
  }

  /// False if there is no such address. Throws if the connection breaks, before *or after* the mail went out.
  bool send(std::uint64_t key, const std::string& to) {
    const std::lock_guard lock(mutex_);
    if (to.find('@') == std::string::npos) return false;
    const int call = ++calls_[to];
    // While down, it refuses addresses from a to l, and takes mail for m to z without ever answering.
    // While up, it refuses the first call for an address and takes the second without answering.
    const bool refuses = is_down_ ? to.front() < 'm' : call == 1;
    const bool answers = !is_down_ && call > 2;
    if (refuses) throw std::runtime_error("connection refused");
    if (keys_.insert(key).second) ++mails_[to];
    if (!answers) throw std::runtime_error("connection lost");
    return true;
  }

  int mails_to(const std::string& address) {
    const std::lock_guard lock(mutex_);
    return mails_[address];
  }

 private:
  std::mutex mutex_;
  bool is_down_ = false;
  std::map<std::string, int> calls_;
  std::map<std::string, int> mails_;
  std::set<std::uint64_t> keys_;
};

/// What the page calls. Never waits for a mail; false if too many are queued.
bool sign_up(MailQueue& queue, const std::string& address) {
  static std::uint64_t sign_ups = 0;  // in real life, the number of its row in the database
  return static_cast<bool>(queue.try_enqueue({.to = address, .sign_up = ++sign_ups}));
}

/// Waits until every job has ended, those included that back off: what in real life is "the morning after".
bool wait_until_empty(MailQueue& queue) {
  for (int i = 0; i < 10'000 && queue.stats().present > 0; ++i) std::this_thread::sleep_for(1ms);
  return queue.stats().present == 0;
}

int wrong = 0;
void check(bool holds, const char* claim) {
  if (holds) return;
  std::cout << "WRONG: " << claim << '\n';
  ++wrong;
}

}  // namespace

int main() {
  MailService service;
  windlass::DeadLetterBox<WelcomeMail> undeliverable{100};
  const auto send = [&service](const WelcomeMail& mail) {
    return service.send(mail.sign_up, mail.to) ? Outcome::done() : Outcome::dead("no such address");
  };
  MailQueue queue{send,
                  {.name = "mail",
                   .workers = 2,
                   .max_failures = 4,
                   .retry = windlass::ExponentialBackoff{.first = 2ms, .cap = 20ms},
                   .dead_letters = &undeliverable}};

  service.set_down(true);
  for (const char* address : {"ada@example.org", "bob-at-example.org", "zoe@example.org"}) {
    check(sign_up(queue, address), "a sign-up was taken");
  }
  check(wait_until_empty(queue), "during the outage every job ended in the dead letter box");
  undeliverable.inspect(100, [](const MailLetter& letter) {
    std::cout << "undelivered: " << letter.payload->to << ", " << to_string(letter.reason)
              << ", attempts: " << letter.failures << ", last error: " << letter.last_error.view() << '\n';
  });

  service.set_down(false);
  std::vector<MailLetter> hopeless;
  undeliverable.take(100, [&](MailLetter&& letter) {
    if (letter.reason == DeadReason::rejected || !queue.try_enqueue(*letter.payload)) {
      hopeless.push_back(std::move(letter));
    }
  });
  for (const char* address : {"grace@example.org", "tim@example.org"}) {
    check(sign_up(queue, address), "a sign-up was taken");
  }
  check(static_cast<bool>(queue.drain_for(10s)), "all was sent after the outage");

  for (const char* address : {"ada@example.org", "zoe@example.org", "grace@example.org", "tim@example.org"}) {
    check(service.mails_to(address) == 1, "exactly one mail for each valid address");
  }
  check(hopeless.size() == 1 && hopeless[0].reason == DeadReason::rejected &&
            hopeless[0].payload->to == "bob-at-example.org",
        "the bad address, and nothing else, is a dead letter because its handler said so");
  check(undeliverable.size() == 0, "no further dead letters");

  const auto stats = queue.stats();
  check(stats.done == 4 && stats.dead == 3, "4 jobs done; 2 died of the outage and 1 of its address");
  std::cout << stats.done << " mails sent in " << stats.deliveries << " attempts, of which " << stats.failures
            << " failed\n";
  return wrong == 0 ? 0 : 1;
}
