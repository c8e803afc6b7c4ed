import { asLambdaEvent } from './lambda-events';
import type { Model } from './model';
import { SIDE_BY_SIDE, type Setting } from './setting';
import type { Trace } from './trace';
import { addMark, conductOf, marksOf, SECRET, type Mark } from './workload';
import { Engine, type Dispatch, type Envelope, type Ports } from '../../lambda/engine';
import { normalize, type Action, type JsonObject, type MachineInput, type Run } from '../../lambda/machine';
import { SeededRandom, type Environment, type Handler, type VirtualClock } from '../../lambda/testing';

/** A callback token, and the wait that it is for. */
export interface HandedOut {
  readonly executionId: string;
  readonly step: number;
  readonly state: string;
  readonly token: string;
}

/** The code of the workflow's function: the real engine, with actions that do as the seed says and are watched by the model. */
export class WorkflowFunction {
  /** How many actions have run. */
  public steps = 0;
  private readonly began: number;

  constructor(
    private readonly setting: Setting,
    private readonly model: Model,
    private readonly clock: VirtualClock,
    /** Told of the callback tokens that are handed out. */
    private readonly handOut: (token: HandedOut) => void,
    private readonly trace?: Trace,
  ) {
    this.began = clock.now();
  }

  /** The code as it runs in one environment. */
  public handler(environment: Environment): Handler {
    const { clock, setting } = this;
    const { definitions, redefinedAt, timeout, ports: kind } = setting;
    const life = { deadline: 0 };
    const bodies = new WeakMap<object, string>();
    const ports = this.watch(environment, bodies);
    const engines = definitions.map((definition, index) => (
      this.engine(ports, definition, definitions.slice(0, index), (name) => this.action(environment, name, life))
    ));
    const sides = new SeededRandom(`${setting.seed}/${environment.name}`);
    const engine = () => {
      const since = clock.now() - this.began - redefinedAt;
      // No environment is given other code. But to take the next invocation to one that has it comes to the same.
      const isOld = since < 0 || (since < SIDE_BY_SIDE && sides.chance(0.5));
      return engines.at(isOld ? 0 : -1)!;
    };
    const process: Handler['process'] = (deliveries, invocation) => {
      deliveries.forEach(({ place, body }) => bodies.set(place, body));
      return engine().process(deliveries, invocation);
    };
    return {
      process: async (batch, invocation) => {
        life.deadline = clock.now() + timeout;
        this.trace?.invoke(environment.name, batch);
        const outcomes = kind === 'memory'
          ? await process(batch, invocation)
          : await asLambdaEvent(batch, (deliveries) => process(deliveries, invocation));
        this.trace?.answer(environment.name, outcomes);
        return outcomes;
      },
      sendDue: (stores, until, invocation) => engine().sendDue(stores, until, invocation),
    };
  }

  /** @param previous what was deployed before that definition */
  private engine(ports: Ports, definition: MachineInput, previous: readonly MachineInput[], action: (name: string) => Action): Engine {
    const { upgradePolicy: policy, eagerCommit, retention, limit, recordsAtOnce } = this.setting;
    const { name } = definition;
    return new Engine(ports, [normalize(definition)], (_machine, called) => action(called), {
      eagerCommit,
      concurrency: recordsAtOnce,
      upgrades: { [name]: { policy, previousVersions: policy === 'finish-on-old' ? previous.map((each) => normalize(each)) : [] } },
      ...retention !== Infinity && { remembered: retention },
      ...limit !== undefined && { maxRunningExecutions: { [name]: limit } },
    });
  }

  /**
   * The ports of an environment, with an eye on what it begins to send, and with what it asks for leases.
   *
   * @param bodies of what is delivered to it, by their places
   */
  private watch(environment: Environment, bodies: WeakMap<object, string>): Ports {
    const ports = this.trace ? this.trace.watch(environment.name, environment.ports) : environment.ports;
    const watched = (transport: Ports['eventSources'][number]): Ports['eventSources'][number] => {
      const { name, maxBatchEntries, maxBatchBytes, maxBodyBytes, longestDelay } = transport;
      return {
        name,
        maxBatchEntries,
        maxBatchBytes,
        maxBodyBytes,
        longestDelay,
        send: (dispatches) => {
          dispatches.forEach(({ envelope }) => this.model.sends(envelope));
          return transport.send(dispatches.map((dispatch) => this.delayed(environment, transport.name, dispatch)));
        },
      };
    };
    const acquire: Ports['locks']['acquire'] = (request) => {
      const { redriven } = JSON.parse(bodies.get(request.place ?? {}) ?? '{}') as Partial<Envelope>;
      this.model.asks(request.holder, redriven);
      return ports.locks.acquire(request);
    };
    const locks = this.setting.limit === undefined ? ports.locks : { ...ports.locks, acquire };
    return { ...ports, locks, eventSources: ports.eventSources.map(watched), retryQueues: ports.retryQueues.map(watched) };
  }

  /** A queue is told for how long to hold a message back, so until when depends on the sender's clock. The adapter sees to that itself. */
  private delayed(environment: Environment, transport: string, { envelope, ...dispatch }: Dispatch): Dispatch {
    if (transport !== 'sqs' || this.setting.ports !== 'memory') return { envelope, ...dispatch };
    const ahead = environment.ports.clock.now() - this.clock.now();
    return { ...dispatch, envelope: { ...envelope, notBefore: envelope.notBefore && envelope.notBefore - ahead } };
  }

  private action(environment: Environment, name: string, life: { readonly deadline: number }): Action {
    return (context, run) => {
      // Not what it is when the action begins: one that overruns may do so in the next invocation of its environment.
      const { deadline } = life;
      this.model.calls(name, run, deadline);
      return environment.call(`actions.${name}`, () => this.runAction(environment, name, context, run, deadline));
    };
  }

  private async runAction(
    environment: Environment,
    name: string,
    context: JsonObject,
    run: Run,
    deadline: number,
  ): Promise<string | undefined> {
    const ended = this.model.begins(name, run, deadline, () => !environment.dead);
    this.trace?.act(environment.name, name, run);
    this.steps += 1;
    try {
      return await this.act(environment, name, context, run);
    } finally {
      ended();
    }
  }

  private async act(environment: Environment, name: string, context: JsonObject, run: Run): Promise<string | undefined> {
    const { seed, machine, timeout } = this.setting;
    const { milliseconds, throws, returns } = conductOf(String(seed), machine, name, run, timeout);
    const { executionId, step, state, event } = run;
    const data = run.data as JsonObject | undefined;
    // Each attempt begins with the marks that were there before its step.
    const before = marksOf(context).filter((mark) => mark.step === step && mark.action === name && mark.state === state).length;
    this.model.keys(name, run, before);
    const mark: Mark = {
      at: this.clock.now(), step, action: name, state, event, ...typeof data?.id === 'string' && { mail: data.id }, ...returns && { returned: returns },
    };
    addMark(context, mark);
    if (name === 'ask') this.handOut({ executionId, step, state, token: await run.callbackToken() });
    if (milliseconds > 0) await environment.ports.clock.sleep(milliseconds);
    if (throws) throw new Error(`refused with ${SECRET}`);
    return returns;
  }
}
