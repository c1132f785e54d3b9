// Package attack holds tests alone: they attack a real server, as a process of
// its own, and measure what each attack costs it and what another user sees
// in the meantime.
//
// One attacker has one address and, where the attack says so, one token. Each
// attack of [TestAttacks] has bounds on the server's CPU time and memory. For
// all of them, another user's plain query takes less than 500 ms (p99) and
// never fails, no answer is an internal error, and the server's memory is back
// below twice what it was at the start within a minute.
//
// TestMutations mixes the same attacks, with sizes and counts drawn at random,
// for as long as VIGIE_TEST_ATTACK says (10m), from the seed VIGIE_TEST_SEED.
// VIGIE_TEST_TENDERS is how many tenders the server has.
package attack
