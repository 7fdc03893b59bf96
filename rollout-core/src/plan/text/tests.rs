//! Plans as they are shown.

use super::*;
use crate::{plan::tests::plan_of, time::Span};

const TIMING: Timing = Timing { start_to_available: Span::from_secs(2), drain: Span::from_secs(1) };

#[track_caller]
fn shows(tail: &str, router: Option<u64>, expected: &str) {
    let plan = plan_of(tail, router, false);
    assert_eq!(format!("\n{}\n", plan.table(TIMING)), expected);
}

#[test]
fn rolling_with_pauses() {
    shows(
        "strategy: { rolling: { parallelism: 1, batch_delay: 10s, order: start_first } }",
        None,
        "
rolling of 4 instances; instances on their way out count
pace      surge 1, unavailable 0, 1 at a time, 10s between batches
way back  surge 1, unavailable 0, 1 at a time, 10s between batches
stage  candidate  stable  route     asked  share  gates  takes  at least  bound by
roll           4       0  replicas   100%   100%  -        39s       12s  the batch delay
the candidate is proven at the end of `roll`
takes 39s, at least 12s, if an instance needs 2s to start and 1s to go
",
    );
}

#[test]
fn canary_by_replicas_with_true_shares() {
    shows(
        "strategy: { canary: { steps: [{ weight: 5, name: taste, gates: [hold: 10s, approval: { deadline: 1h }] }, { weight: 50 }] } }",
        None,
        "
canary of 4 instances; instances on their way out count
pace      surge 1, unavailable 0
way back  surge 1, unavailable 0
stage    candidate  stable  route     asked  share  gates                         takes  at least  bound by
taste            1       3  replicas     5%    25%  hold 10s, approval within 1h    13s       13s  an approval
50%              2       2  replicas    50%    50%  -                                3s        3s  one instance's start and end
promote          4       0  replicas   100%   100%  -                                6s        6s  surge and unavailable
the candidate is proven at the end of `promote`
takes 22s, at least 22s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
note: `taste` asks for 5% of the traffic; what can be set is 25%
",
    );
}

#[test]
fn blue_green_by_weight() {
    shows(
        "strategy: { blue_green: { preview_replicas: 1, promotion: manual, bake: 20s, standby: 1m } }",
        Some(100),
        "
blue-green of 4 instances; instances on their way out count
pace      surge 4, unavailable 0
way back  surge 4, unavailable 0
stage    candidate  stable  route   asked  share  gates            takes  at least  bound by
preview          1       4  weight     0%     0%  -                   2s        2s  one instance's start and end
full             4       4  weight     0%     0%  approval            2s        2s  an approval
switch           4       4  weight   100%   100%  healthy for 20s    20s       20s  its gates
standby          4       4  weight   100%   100%  hold 1m             1m        1m  its gates
retire           4       0  weight   100%   100%  -                   1s        1s  one instance's start and end
the candidate is proven at the end of `switch`
takes 1m 25s, at least 1m 25s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
",
    );
}

#[test]
fn rules_jobs_and_modules_stand_below_the_table() {
    let tail = "
modules: [{ name: search }, { name: ads }]
breaker: {}
hooks:
  before: [{ name: expand, run: [migrate] }]
  after_canary: [{ name: smoke, run: [test], deadline: 1m }]
  after: [{ name: contract, run: [migrate] }]
  on_rollback: [{ name: tell, run: [mail], deadline: 10s }]
strategy:
  canary:
    affinity: { cookie: seen, max_age: 30m }
    steps:
      - weight: 0
        name: beta
        match: [{ header: x-beta }, { cookie: tester, exact: secret }]
        mirror: 10%
        modules: { degrade: [search, ads], breaker: true }
      - weight: 33.33%
        modules: { require: [ads] }";
    shows(
        tail,
        Some(100),
        "
canary of 4 instances; instances on their way out count
pace      surge 4, unavailable 0
way back  surge 4, unavailable 0
stage    candidate  stable  route    asked  share  gates                    takes  at least  bound by
before           0       4  weight      0%     0%  hook expand within 5m       0s        0s  nothing
beta             1       4  weight      0%     0%  hook smoke within 1m        2s        2s  one instance's start and end
33.33%           2       4  weight  33.33%    33%  -                           2s        2s  one instance's start and end
promote          4       4  weight    100%   100%  -                           2s        2s  one instance's start and end
retire           4       0  weight    100%   100%  -                           1s        1s  one instance's start and end
after            4       0  weight    100%   100%  hook contract within 5m     0s        0s  nothing
`beta` also sends the candidate every request with the header `x-beta` or the cookie `tester` of one value
`beta` copies 10% of stable's requests to the candidate
`beta` keeps a client where it was for 30m, by the cookie `seen`
`beta` begins with search, ads degraded by the engine
`beta` has the circuit breaker armed
`33.33%` keeps a client where it was for 30m, by the cookie `seen`
`33.33%` waits until ads is degraded by others
beside the way back runs hook tell within 10s
the candidate is proven at the end of `retire`
takes 7s, at least 7s, if an instance needs 2s to start and 1s to go
note: `33.33%` asks for 33.33% of the traffic; what can be set is 33%
",
    );
}

#[test]
fn stages_by_hand_tell_their_own_pace() {
    let tail = "
strategy:
  stages:
    - { name: off, candidate: 0, stable: 0, route: nobody }
    - { name: two, candidate: 50%, stable: 0, pace: { surge: 0, unavailable: 50%, parallelism: 1 } }
    - { name: all, candidate: 100%, stable: 0, proves: true, gates: [approval: { deadline: 10m, on_expiry: pass }] }";
    shows(
        tail,
        Some(100),
        "
stages of 4 instances; instances on their way out count
pace      surge 0, unavailable 4
way back  surge 1, unavailable 0
stage  candidate  stable  route     asked  share  gates            takes  at least  bound by
off            0       0  nobody       0%     0%  -                   1s        1s  one instance's start and end
two            2       0  replicas   100%   100%  -                   4s        2s  parallelism
all            4       0  replicas   100%   100%  approval or 10m     2s        2s  an approval
`two` moves with surge 0, unavailable 2, 1 at a time
`all` moves with surge 1, unavailable 0
the candidate is proven at the end of `all`
takes 7s, at least 5s, if an instance needs 2s to start and 1s to go; 1 approval comes on top
note: nobody is served from `off` on until the candidate is up
",
    );
}

#[test]
fn without_a_timing_the_times_are_left_out() {
    let plan = plan_of("strategy: { recreate: {} }", Some(100), false);
    assert_eq!(
        format!("\n{plan}\n"),
        "
recreate of 4 instances; instances on their way out count
pace      surge 0, unavailable 4
way back  surge 0, unavailable 4
stage  candidate  stable  route     asked  share  gates
stop           0       0  nobody       0%     0%  -
start          4       0  replicas   100%   100%  -
the candidate is proven at the end of `start`
note: nobody is served from `stop` on until the candidate is up
",
    );
}

#[test]
fn the_calendar_and_what_is_watched_are_told() {
    let tail = "
strategy: { rolling: { surge: 4 } }
calendar: { zone: Europe/Berlin, open: [{ days: [mon, tue], from: '09:00', to: '17:00' }] }
watch: [{ name: errors, query: rate, interval: 10s, pass: { below: 0.01 }, count: 100 }]";
    shows(
        tail, None, "
rolling of 4 instances; instances on their way out count
pace      surge 4, unavailable 0
way back  surge 4, unavailable 0
stage  candidate  stable  route     asked  share  gates  takes  at least  bound by
roll           4       0  replicas   100%   100%  -         3s        3s  one instance's start and end
the candidate is proven at the end of `roll`
takes 3s, at least 3s, if an instance needs 2s to start and 1s to go
note: steps forward wait for the calendar: open mon, tue 09:00 to 17:00 (Europe/Berlin); the way back never does
note: metric `errors` passes below 0.01: watched every 10s while the candidate has traffic and is not proven; a failure, or no data, fails the rollout
",
    );
}
