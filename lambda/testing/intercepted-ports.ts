import type { FaultPlan, ServiceCall } from './faults';
import type { DueStore, Journal, LockStore, Mailbox, Ports, RunningExecutions, Transport } from '../engine';

/** Makes a call to a service, or not, as the plan for it says. */
export type Call = <T>(name: ServiceCall, effect: (plan: FaultPlan) => Promise<T>, entries?: number) => Promise<T>;

/** The ports through which a service can be reached. */
export type ServicePorts = Pick<Ports, 'eventSources' | 'retryQueues' | 'locks' | 'running' | 'journal' | 'mailbox' | 'deadLetters'>;

/** What all environments share. */
export type SharedServices = ServicePorts & Pick<Ports, 'logger'>;

/** The same services, with every call to them made by `call`. */
export function interceptPorts(services: ServicePorts, call: Call): ServicePorts {
  return {
    eventSources: services.eventSources.map((transport, index) => interceptTransport(transport, `eventSources[${index}]`, call)),
    retryQueues: services.retryQueues.map((transport, index) => interceptTransport(transport, `retryQueues[${index}]`, call)),
    locks: interceptLocks(services.locks, call),
    ...services.running && { running: interceptRunning(services.running, call) },
    journal: interceptJournal(services.journal, call),
    mailbox: interceptMailbox(services.mailbox, call),
    deadLetters: { put: (letter) => call('deadLetters.put', () => services.deadLetters.put(letter)) },
  };
}

/** A store of due envelopes, with every call to it made by `call`. */
export function interceptDueStore(store: DueStore, name: `retryQueues[${number}]`, call: Call): DueStore {
  return {
    async *due(until) {
      const pages = store.due(until)[Symbol.asyncIterator]();
      for (let page = await call(`${name}.due`, () => pages.next()); !page.done; page = await call(`${name}.due`, () => pages.next())) {
        yield page.value;
      }
    },
    remove: (due) => call(`${name}.remove`, () => store.remove(due)),
  };
}

function interceptTransport(transport: Transport, name: `eventSources[${number}]` | `retryQueues[${number}]`, call: Call): Transport {
  return {
    name: transport.name,
    maxBatchEntries: transport.maxBatchEntries,
    maxBatchBytes: transport.maxBatchBytes,
    maxBodyBytes: transport.maxBodyBytes,
    longestDelay: transport.longestDelay,
    send: (dispatches) => call(
      `${name}.send`,
      (plan) => sendBatch(plan, dispatches, (reaching) => transport.send(reaching), (error) => ({ ok: false, error })),
      dispatches.length,
    ),
    ...transport.readBack && { readBack: (executionId, place) => call(`${name}.readBack`, async () => transport.readBack?.(executionId, place)) },
  };
}

function interceptLocks(locks: LockStore, call: Call): LockStore {
  return {
    acquire: (request) => call('locks.acquire', () => locks.acquire(request)),
    release: (lease) => call('locks.release', () => locks.release(lease)),
    commit: (lease, status, now) => call('locks.commit', () => locks.commit(lease, status, now)),
    read: (executionId) => call('locks.read', () => locks.read(executionId)),
    reopen: (executionId, fence, now) => call('locks.reopen', () => locks.reopen(executionId, fence, now)),
    cancel: (executionId, now) => call('locks.cancel', () => locks.cancel(executionId, now)),
    install: (lock, below) => call('locks.install', () => locks.install(lock, below)),
  };
}

function interceptRunning(running: RunningExecutions, call: Call): RunningExecutions {
  return {
    enter: (group, capacity, execution) => call('running.enter', () => running.enter(group, capacity, execution)),
    leave: (group, executionId, fence, expires) => call('running.leave', () => running.leave(group, executionId, fence, expires)),
  };
}

function interceptJournal(journal: Journal, call: Call): Journal {
  return {
    maxBatchEntries: journal.maxBatchEntries,
    maxEntryBytes: journal.maxEntryBytes,
    write: (checkpoints) => call(
      'journal.write',
      (plan) => sendBatch(plan, checkpoints, (reaching) => journal.write(reaching), (error) => error),
      checkpoints.length,
    ),
    read: (executionId, step, fence) => call('journal.read', () => journal.read(executionId, step, fence)),
    history: (executionId) => call('journal.history', () => journal.history(executionId)),
    expire: (executionId, step, fence) => call('journal.expire', () => journal.expire(executionId, step, fence)),
  };
}

function interceptMailbox(mailbox: Mailbox, call: Call): Mailbox {
  return {
    put: (executionId, mail) => call('mailbox.put', () => mailbox.put(executionId, mail)),
    list: (executionId) => call('mailbox.list', () => mailbox.list(executionId)),
    remove: (executionId, positions) => call('mailbox.remove', () => mailbox.remove(executionId, positions)),
    createSecret: (executionId, proposal) => call('mailbox.createSecret', () => mailbox.createSecret(executionId, proposal)),
    readSecret: (executionId) => call('mailbox.readSecret', () => mailbox.readSecret(executionId)),
    expire: (executionId) => call('mailbox.expire', () => mailbox.expire(executionId)),
  };
}

/** Sends a batch of which some entries fail: those that fail before they took effect do not reach the service. */
async function sendBatch<Entry, Answer>(
  plan: FaultPlan,
  entries: readonly Entry[],
  send: (entries: readonly Entry[]) => Promise<readonly Answer[]>,
  failed: (error: Error) => Answer,
): Promise<readonly Answer[]> {
  if (plan.entries.size === 0) {
    return send(entries);
  }
  const reaching = entries.filter((_, index) => plan.entries.get(index)?.effect !== 'before');
  const answers = reaching.length > 0 ? [...await send(reaching)] : [];
  return entries.map((_, index) => {
    const fault = plan.entries.get(index);
    const answer = fault?.effect === 'before' ? undefined : answers.shift();
    // Without a fault the entry has reached the service, which answers entry by entry.
    return fault ? failed(fault.error) : answer as Answer;
  });
}
