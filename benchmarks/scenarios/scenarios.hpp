#pragma once

/// Every group of scenarios, each in the file of its name. Each call registers its rows; README.md says what they
/// measure.
namespace scenarios {

void add_machine_limits();
void add_executors();
void add_latency();
void add_chains();
void add_raw_rings();
void add_retries();
void add_promises();
void add_payloads();
void add_delayed_jobs();
void add_lateness();
void add_lanes();
void add_pump();
void add_pull();
void add_backlog();
void add_costs();

}  // namespace scenarios
