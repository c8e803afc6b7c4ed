import { asLambdaEvent, type RedeliveryRuntime } from './lambda-events';
import type { Model } from './model';
import { sendingTo, SIDE_BY_SIDE, type Setting } from './setting';
import type { Trace } from './trace';
import { addMark, conductOf, marksOf, REFUSED, SECRET, type Mark } from './workload';
import {
  Engine,
  TimeLimitError,
  type Delivery,
  type OutgoingEnvelope,
  type Outcome,
  type Envelope,
  type Ports,
} from '../../lambda/engine';
import { normalize, type Action, type Json, type JsonObject, type MachineInput, type Run } from '../../lambda/machine';
import { SeededRandom } from '../../lambda/testing';
import type { ExecutionEnvironment } from '../../lambda/testing/bench/execution-environment';
import type { Handler } from '../../lambda/testing/bench/simulated-function';
import type { VirtualClock } from '../../lambda/testing/determinism/virtual-clock';
import { wrapPort } from '../../lambda/testing/services/wrap-port';

/** A callback token, and the wait that it ends. */
export interface HandedOut {
  readonly executionId: string;
  readonly step: number;
  readonly state: string;
  readonly token: string;
}

/** Maximum time for which a message waits because the lock store did not answer, in milliseconds. */
const MAX_OUTAGE_WAIT = 22_000;

/** The latest invocation of an execution environment. */
interface Life {
  /** When it must have ended, by the clock of the simulation. */
  deadline: number;
  /** The envelopes of its batch. */
  delivered: readonly Envelope[];
  /** The executions of the batch for which the lock store did not answer. */
  unavailable: Set<string>;
}

/** The code of the workflow's function: the real engine, with actions whose behavior the seed draws and the model observes. */
export class WorkflowFunction {
  /** Number of actions that have run. */
  public steps = 0;
  private readonly began: number;

  constructor(
    private readonly setting: Setting,
    private readonly model: Model,
    private readonly clock: VirtualClock,
    /** Called with each issued callback token. */
    private readonly handOut: (token: HandedOut) => void,
    /** Returns the runtime of an environment whose ports are adapters. */
    private readonly runtimeOf: (environment: ExecutionEnvironment) => RedeliveryRuntime,
    private readonly trace?: Trace,
  ) {
    this.began = clock.now();
  }

  /** Returns the handler of one execution environment. */
  public handler(environment: ExecutionEnvironment): Handler {
    const { clock, setting } = this;
    const { brokers, brokersChangedAt, definitions, redefinedAt, timeout, ports: kind } = setting;
    const life: Life = { deadline: 0, delivered: [], unavailable: new Set() };
    const bodies = new WeakMap<object, string>();
    const ports = this.watch(environment, bodies, life);
    const engines = definitions.map((definition, index) =>
      brokers.map((sentTo) =>
        this.engine(sendingTo(ports, sentTo), definition, definitions.slice(0, index), (name) =>
          this.action(environment, name, life),
        ),
      ),
    );
    const sides = new SeededRandom(`${setting.seed}/${environment.name}`);
    // AWS never replaces the code of an environment. Choosing the code for each invocation has the same effect.
    const deployed = (at: number) => {
      const since = clock.now() - this.began - at;
      return since < 0 || (since < SIDE_BY_SIDE && sides.chance(0.5)) ? 0 : -1;
    };
    const engine = () => engines.at(deployed(redefinedAt))!.at(deployed(brokersChangedAt))!;
    const process: Handler['process'] = async (deliveries, invocation) => {
      deliveries.forEach(({ place, body }) => bodies.set(place, body));
      const unavailable = new Set<string>();
      life.delivered = deliveries.flatMap(({ body }) => envelopeIn(body) ?? []);
      life.unavailable = unavailable;
      const outcomes = await engine().process(deliveries, invocation);
      this.checkOutage(deliveries, outcomes, unavailable, environment.ports.clock.now());
      return outcomes;
    };
    return {
      process: async (batch, invocation) => {
        life.deadline = clock.now() + timeout;
        this.trace?.invoke(environment.name, batch);
        const outcomes =
          kind === 'memory'
            ? this.redelivered(environment, await process(batch, invocation))
            : await asLambdaEvent(batch, (deliveries) => process(deliveries, invocation), this.runtimeOf(environment));
        this.trace?.answer(environment.name, outcomes);
        return outcomes;
      },
      sendDue: (stores, until, invocation) => {
        life.delivered = [];
        return engine().sendDue(stores, until, invocation);
      },
    };
  }

  /** During an outage of the lock store, a queue holds each message for seconds: a longer time would outlast the outage. */
  private checkOutage(
    deliveries: readonly Delivery[],
    outcomes: ReadonlyMap<string, Outcome>,
    unavailable: ReadonlySet<string>,
    now: number,
  ): void {
    for (const { id, body, blocking } of deliveries) {
      const { executionId } = envelopeIn(body) ?? {};
      const others = deliveries.filter((other) => envelopeIn(other.body)?.executionId === executionId);
      if (blocking || executionId === undefined || !unavailable.has(executionId) || others.length > 1) continue;
      const outcome = outcomes.get(id);
      if (outcome === 'acknowledge' || (typeof outcome === 'object' && outcome.redeliverAt <= now + MAX_OUTAGE_WAIT)) {
        continue;
      }
      const until =
        typeof outcome === 'object' ? `for ${outcome.redeliverAt - now} ms` : 'until its queue redelivers it';
      this.model.wrong('E2', executionId, `waits ${until}, because the lock store did not answer`);
    }
  }

  /** @param previous the definitions that were deployed before this one */
  private engine(
    ports: Ports,
    definition: MachineInput,
    previous: readonly MachineInput[],
    action: (name: string) => Action,
  ): Engine {
    const { upgradePolicy: policy, eagerCommit, limit, groupSize, recordsAtOnce } = this.setting;
    const { name } = definition;
    return new Engine(ports, [normalize(definition)], (_machine, called) => action(called), {
      eagerCommit,
      concurrency: recordsAtOnce,
      upgrades: {
        [name]: { policy, previousVersions: policy === 'finish-on-old' ? previous.map((each) => normalize(each)) : [] },
      },
      ...(limit !== undefined && { maxRunningExecutions: { [name]: limit }, runningGroupSize: groupSize }),
    });
  }

  /**
   * Wraps the ports of an environment so that the model sees which envelopes it begins to send, and which envelopes it requests leases for.
   *
   * @param bodies the delivered messages, by their places
   * @param life the latest invocation
   */
  private watch(environment: ExecutionEnvironment, bodies: WeakMap<object, string>, life: Readonly<Life>): Ports {
    const ports = this.trace ? this.trace.watch(environment.name, environment.ports) : environment.ports;
    const watched = (transport: Ports['eventSources'][number]) =>
      wrapPort(transport, {
        send: (dispatches) => {
          dispatches.forEach(({ envelope }) =>
            this.model.sends(envelope, life.delivered, life.deadline - this.setting.timeout),
          );
          return transport.send(dispatches.map((dispatch) => this.delayed(environment, transport.name, dispatch)));
        },
      });
    const acquire: Ports['locks']['acquire'] = (request) => {
      const { redriven } = JSON.parse(bodies.get(request.place ?? {}) ?? '{}') as Partial<Envelope>;
      const executions = new Set(life.delivered.map(({ executionId }) => executionId));
      this.model.asks(request.holder, redriven, executions.size - 1);
      const { unavailable } = life;
      return ports.locks.acquire(request).catch((thrown: unknown) => {
        unavailable.add(request.executionId);
        throw thrown;
      });
    };
    const locks = wrapPort(ports.locks, { acquire });
    return {
      ...ports,
      locks,
      eventSources: ports.eventSources.map(watched),
      retryQueues: ports.retryQueues.map(watched),
    };
  }

  /** Shifts the time of a redelivery by the skew of the environment's clock: SQS takes a duration. The real runtime does so itself. */
  private redelivered(
    environment: ExecutionEnvironment,
    outcomes: ReadonlyMap<string, Outcome>,
  ): ReadonlyMap<string, Outcome> {
    const ahead = environment.ports.clock.now() - this.clock.now();
    return new Map(
      [...outcomes].map(([id, outcome]) => [
        id,
        typeof outcome === 'object' ? { redeliverAt: outcome.redeliverAt - ahead } : outcome,
      ]),
    );
  }

  /** Shifts the delay by the skew of the sender's clock: SQS takes a duration, not a time. The real adapter does so itself. */
  private delayed(
    environment: ExecutionEnvironment,
    transport: string,
    { envelope, ...dispatch }: OutgoingEnvelope,
  ): OutgoingEnvelope {
    if (transport !== 'sqs' || this.setting.ports !== 'memory') return { envelope, ...dispatch };
    const ahead = environment.ports.clock.now() - this.clock.now();
    return { ...dispatch, envelope: { ...envelope, notBefore: envelope.notBefore && envelope.notBefore - ahead } };
  }

  private action(environment: ExecutionEnvironment, name: string, life: { readonly deadline: number }): Action {
    return (context, run) => {
      // Read now: an action that overruns may begin in the next invocation of its environment, which has another deadline.
      const { deadline } = life;
      this.model.calls(name, run, deadline);
      const isLimited = this.setting.machine.states[run.state]?.timeLimit !== undefined;
      return environment.call(`actions.${name}`, async () => {
        // The call was delayed until its time limit, and the next attempt may run.
        if (isLimited && run.signal.aborted) throw run.signal.reason;
        return this.runAction(environment, name, context, run, deadline);
      });
    };
  }

  private async runAction(
    environment: ExecutionEnvironment,
    name: string,
    context: JsonObject,
    run: Run,
    deadline: number,
  ): Promise<string | undefined> {
    const ended = this.model.begins(name, run, deadline, () => !environment.dead, environment.name);
    // After its time limit, an action may run beside the next attempt: it was told to end.
    const abandon = () => run.signal.reason instanceof TimeLimitError && ended();
    run.signal.addEventListener('abort', abandon);
    this.trace?.act(environment.name, name, run);
    this.steps += 1;
    try {
      return await this.act(environment, name, context, run, deadline);
    } finally {
      run.signal.removeEventListener('abort', abandon);
      ended();
    }
  }

  private async act(
    environment: ExecutionEnvironment,
    name: string,
    context: JsonObject,
    run: Run,
    deadline: number,
  ): Promise<string | undefined> {
    const { seed, machine, timeout, refuses } = this.setting;
    const conduct = conductOf(String(seed), machine, name, run, timeout);
    const { computes, hangs, kills, leaves, milliseconds, returns, stores, thrown, throws } = conduct;
    const { clock } = environment.ports;
    const { executionId, step, state, event } = run;
    const data = run.data as JsonObject | undefined;
    // Each attempt begins with the marks from before its step.
    const before = marksOf(context).filter(
      (mark) => mark.step === step && mark.action === name && mark.state === state,
    ).length;
    this.model.keys(name, run, before);
    const mark: Mark = {
      at: this.clock.now(),
      step,
      action: name,
      state,
      event,
      ...(typeof data?.id === 'string' && { mail: data.id }),
      ...(returns && { returned: returns }),
    };
    addMark(context, mark);
    if (refuses && new SeededRandom(`${seed}/refused/${executionId}/${step}`).chance(0.3)) context.refused = REFUSED;
    if (name === 'ask') this.handOut({ executionId, step, state, token: await run.callbackToken() });
    if (kills) environment.crash();
    if (computes > 0) await this.compute(environment, computes, deadline);
    if (hangs) await this.hang(environment, name, run);
    // An action that takes longer than its time limit heeds the signal: its next attempt may begin.
    if (kills || milliseconds > 0) await clock.sleep(milliseconds, run.signal);
    if (run.signal.aborted) throw run.signal.reason;
    if (throws) throw thrown(`refused with ${SECRET}`);
    if (stores) context.odd = stores() as Json;
    if (leaves) run.signal.addEventListener('abort', () => (context.late = true));
    return returns;
  }

  /** Blocks all code of the environment, which Lambda kills at the end of the invocation. */
  private async compute(environment: ExecutionEnvironment, milliseconds: number, deadline: number): Promise<void> {
    environment.pause(milliseconds);
    this.clock.schedule(deadline, () => {
      if (environment.paused) environment.crash();
    });
    await environment.ports.clock.sleep(0);
  }

  /** Waits until the attempt has ended. I9: its time limit ends it. */
  private async hang(environment: ExecutionEnvironment, name: string, run: Run): Promise<void> {
    const { executionId, signal, state, step } = run;
    const { clock } = environment.ports;
    const seconds = this.setting.machine.states[state]?.timeLimit?.seconds ?? Infinity;
    await clock.sleep(seconds * 1_000 + 100, signal);
    // After a freeze, both timers fire at the same time.
    await clock.sleep(100, signal);
    if (signal.aborted) return;
    this.model.wrong('I9', executionId, `${name} of step ${step} may hang for longer than its limit of ${seconds} s`);
    await new Promise(() => undefined);
  }
}

/** The envelope in a message, unless the message is not JSON or names no execution. */
function envelopeIn(body: string): Envelope | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    // Only the engine and the simulation's clients write messages that name an execution.
    return typeof parsed === 'object' && parsed !== null && 'executionId' in parsed ? (parsed as Envelope) : undefined;
  } catch {
    return undefined;
  }
}
