import type { ExecutionKey, Lease, Lock, PendingStart } from '../../lambda/engine';
import type { SeededRandom } from '../../lambda/testing';
import type { VirtualClock } from '../../lambda/testing/determinism/virtual-clock';
import type { SharedServices } from '../../lambda/testing/faults/intercepted-ports';

/** Milliseconds by which the lease of the neighbor outlasts a run: nothing of its own may change its locks. */
const FOREVER_MS = 10 * 366 * 86_400_000;

const MACHINE = 'm';

/** What the neighbor has stored for one execution. */
interface Stored {
  readonly key: ExecutionKey;
  readonly lock: Lock;
}

/**
 * Another workflow, which shares the stores of the simulated one: it has a machine of the same name, and executions with the same ids. It
 * stores what an execution stores, and checks later that only it has changed it.
 */
export class Neighbor {
  private readonly stored: Stored[] = [];

  /** @param services the stores, as the neighbor connects to them */
  constructor(
    private readonly services: Pick<SharedServices, 'locks' | 'running' | 'journal' | 'mailbox'>,
    private readonly clock: VirtualClock,
    private readonly wrong: (executionId: string, what: string) => void,
  ) {}

  /** Plans an execution for each of these ids, some before and some after those of the simulated workflow. */
  public schedule(random: SeededRandom, executionIds: readonly string[]): void {
    for (const executionId of executionIds) {
      const at = this.clock.now() + random.pick([0, random.between(0, 60_000)]);
      this.clock.schedule(at, () => {
        this.act(executionId, random.pick(['running', 'parked', 'failed', 'cancelled'])).catch((error: Error) =>
          this.wrong(executionId, `could not be stored: ${error.message}`),
        );
      });
    }
  }

  private async act(executionId: string, status: Lock['status']): Promise<void> {
    const { locks, running, journal, mailbox } = this.services;
    const now = this.clock.now();
    const start: PendingStart = {
      executionId,
      incarnation: 'neighbor',
      machine: MACHINE,
      contextHash: 'neighbor',
      now,
    };
    await running?.enter(`running ${MACHINE} 0`, 100, { executionId, fence: 0, expires: now + FOREVER_MS });
    const { recorded } = await locks.recordStart(start);
    if (!recorded) {
      return this.wrong(executionId, 'could not be started: another workflow has an execution with this id');
    }
    const answer = await locks.acquire({
      ...start,
      ...{ step: 0, parent: 0, redriven: 0, state: 's0', holder: 'neighbor', alone: true },
      expires: now + FOREVER_MS,
    });
    if (!answer.acquired) return this.wrong(executionId, 'did not get its lease');
    const { lock } = answer;
    await journal.write([entryOf(lock, now)]);
    await mailbox.put(lock, { id: 'mail-1', event: 'wake', data: 'neighbor' });
    if (status === 'cancelled') await locks.cancel(executionId, now);
    else if (status !== 'running') await locks.commit(lock, status, now);
    const after = await locks.read(executionId);
    if (after) this.stored.push({ key: lock, lock: after });
  }

  /** Checks that everything is as the neighbor has stored it. */
  public async check(): Promise<void> {
    const { locks, journal, mailbox } = this.services;
    for (const { key, lock } of this.stored) {
      const { executionId } = key;
      const now = await locks.read(executionId);
      // A cancelled execution may be forgotten.
      const isSame = JSON.stringify(now) === JSON.stringify(lock) || (lock.status === 'cancelled' && now === undefined);
      if (!isSame) this.wrong(executionId, `became ${now?.status ?? 'unknown'} at fence ${now?.fence}`);
      const entry = await journal.read(key, 0, 1);
      if (entry && entry.incarnation !== key.incarnation) {
        this.wrong(executionId, 'has the journal of another workflow');
      }
      const mails = await mailbox.list(key, 10);
      if (mails.mails.some(({ id }) => id !== 'mail-1')) this.wrong(executionId, 'has events of another workflow');
    }
  }
}

function entryOf({ executionId, incarnation, step, fence, parent }: Lock & Lease, now: number) {
  return {
    ...{ executionId, incarnation, step, fence, parent, machine: MACHINE, attempt: 0, outcome: 'dispatched' as const },
    ...{ source: null, event: '$start', states: ['s0'], startedAt: now, endedAt: now },
  };
}
