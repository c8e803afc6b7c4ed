import { settle, type VirtualClock } from '../../lambda/testing/determinism/virtual-clock';

/** Runs work in virtual time: jumps to the next timer whenever all code waits. */
export async function drive<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let ended = false;
  const mark = () => {
    ended = true;
  };
  work.then(mark, mark);
  for (await settle(); !ended; await settle()) clock.jump();
  return work;
}
