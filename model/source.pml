/*
 * What carries envelopes: every event source and retry queue together. It delivers in any order, so it does not matter in which of them
 * an envelope lies, nor for how long it is held back: a failover, a delay and a timer are an envelope that is delivered later.
 *
 * A bag, kept sorted, so that the same envelopes in another order are the same state. An envelope in the hands of a worker is not gone
 * before it is acknowledged: who dies gives it back.
 */
#define SLOTS 8
int source[SLOTS];
byte waiting, inHand;

inline put(anEnvelope) {
  assert(waiting < SLOTS);
  i = waiting;
  do
  :: i > 0 && source[i - 1] > (anEnvelope) -> source[i] = source[i - 1]; i--
  :: else -> source[i] = anEnvelope; break
  od;
  waiting++; i = 0
}

/* Any one that waits. */
inline choose(which) {
  i = 0;
  do :: i + 1 < waiting -> i++ :: break od;
  which = source[i]
}
inline peek(which) { choose(which); i = 0 }
inline receive(which) {
  waiting > 0; choose(which);
  do :: i + 1 < waiting -> source[i] = source[i + 1]; i++ :: else -> source[i] = 0; break od;
  waiting--; inHand++; i = 0
}
inline acknowledge() { inHand-- }
inline giveBack(which) { inHand--; put(which) }
