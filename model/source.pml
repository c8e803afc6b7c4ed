/*
 * The transports: all event sources and retry queues as one source. It delivers in any order, so neither the queue of an envelope matters
 * nor its delay: a failover, a delay and a timer are envelopes that are delivered later.
 *
 * The source is a sorted bag, so that equal envelopes in another order are the same state. It keeps a delivered envelope until the worker
 * acknowledges it, and redelivers it when the worker dies.
 */
#define SLOTS 10
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

/* Chooses any waiting envelope. */
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
inline redeliver(which) { inHand--; put(which) }
