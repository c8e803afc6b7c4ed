import type { FaultPlan, ServiceCall } from './faults';
import type { DueStore, Journal, Ports, Transport } from '../../engine';
import { wrapPort, type MethodOf } from '../services/wrap-port';

/** Makes a call to a service, and injects the faults that are planned for it. */
export type Call = <T>(
  name: ServiceCall,
  effect: (plan: FaultPlan) => Promise<T>,
  entries?: number,
  /** The entries of a batch, or the arguments of another call. */
  content?: readonly unknown[],
) => Promise<T>;

/** The ports that reach services. */
export type ServicePorts = Pick<
  Ports,
  'eventSources' | 'retryQueues' | 'locks' | 'running' | 'journal' | 'mailbox' | 'deadLetters'
>;

/** The services that all execution environments share. */
export type SharedServices = ServicePorts & Pick<Ports, 'logger'>;

/** Returns the same services, with every call routed through `call`. */
export function interceptPorts(services: ServicePorts, call: Call): ServicePorts {
  return {
    eventSources: services.eventSources.map((transport, index) =>
      interceptTransport(transport, `eventSources[${index}]`, call),
    ),
    retryQueues: services.retryQueues.map((transport, index) =>
      interceptTransport(transport, `retryQueues[${index}]`, call),
    ),
    locks: intercept(services.locks, (method) => `locks.${method}`, call),
    ...(services.running && { running: intercept(services.running, (method) => `running.${method}`, call) }),
    journal: interceptJournal(services.journal, call),
    mailbox: intercept(services.mailbox, (method) => `mailbox.${method}`, call),
    deadLetters: intercept(services.deadLetters, (method) => `deadLetters.${method}`, call),
  };
}

/** Returns the same store of due envelopes, with every call routed through `call`. */
export function interceptDueStore(store: DueStore, name: `retryQueues[${number}]`, call: Call): DueStore {
  return {
    shards: store.shards,
    async *due(until, shard) {
      const pages = store.due(until, shard)[Symbol.asyncIterator]();
      for (
        let page = await call(`${name}.due`, () => pages.next());
        !page.done;
        page = await call(`${name}.due`, () => pages.next())
      ) {
        yield page.value;
      }
    },
    remove: (due) => call(`${name}.remove`, () => store.remove(due)),
  };
}

function intercept<Port extends object>(
  port: Port,
  nameOf: (method: MethodOf<Port>) => ServiceCall,
  call: Call,
  methods: Partial<Port> = {},
): Port {
  return wrapPort(port, methods, (method, effect, content) => call(nameOf(method), effect, undefined, content));
}

function interceptTransport(
  transport: Transport,
  name: `eventSources[${number}]` | `retryQueues[${number}]`,
  call: Call,
): Transport {
  return intercept(transport, (method) => `${name}.${method}`, call, {
    send: (envelopes) =>
      call(
        `${name}.send`,
        (plan) =>
          sendBatch(
            plan,
            envelopes,
            (reaching) => transport.send(reaching),
            (error) => ({ ok: false, error }),
          ),
        envelopes.length,
        envelopes,
      ),
  });
}

function interceptJournal(journal: Journal, call: Call): Journal {
  return intercept(journal, (method) => `journal.${method}`, call, {
    write: (checkpoints) =>
      call(
        'journal.write',
        (plan) =>
          sendBatch(
            plan,
            checkpoints,
            (reaching) => journal.write(reaching),
            (error) => error,
          ),
        checkpoints.length,
        checkpoints,
      ),
  });
}

/** Sends a batch in which some entries fail. Entries that fail before they take effect do not reach the service. */
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
  const answers = reaching.length > 0 ? [...(await send(reaching))] : [];
  return entries.map((_, index) => {
    const fault = plan.entries.get(index);
    const answer = fault?.effect === 'before' ? undefined : answers.shift();
    // An entry without a fault has reached the service, which answers entry by entry, so there is an answer.
    return fault ? failed(fault.error) : (answer as Answer);
  });
}
