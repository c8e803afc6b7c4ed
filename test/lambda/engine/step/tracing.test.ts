import { XRayTracer } from '../../../../lambda/aws/xray/tracer';
import { Engine, Executions, type Ports } from '../../../../lambda/engine';
import { normalize, type Action, type MachineInput } from '../../../../lambda/machine';
import { SimulatedWorkflow } from '../../../../lambda/testing/bench/simulated-workflow';

const SAMPLED = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:abcdef01:0';

interface Segment {
  readonly name: string;
  readonly id: string;
  readonly trace_id: string;
  readonly parent_id?: string;
  readonly start_time: number;
  readonly end_time: number;
  readonly annotations: { readonly step: number; readonly attempt: number; readonly executionId: string };
  readonly fault?: true;
  readonly cause?: { readonly exceptions: readonly { readonly type: string }[] };
}

const order: MachineInput = {
  name: 'order',
  initial: 'reserving',
  states: {
    reserving: { do: 'reserve', on: { reserved: 'waiting' } },
    waiting: { on: { paid: 'shipping' } },
    shipping: { do: 'ship', on: { delivered: 'done' }, catch: 'lost', maxRetries: 0 },
    done: { final: true },
    lost: { final: true },
  },
};

/** A workflow in memory with a traced function. */
class TracedWorld {
  public readonly segments: Segment[] = [];
  /** The tracing header of the function's invocations. */
  public header: string | undefined = SAMPLED;
  public readonly bench: SimulatedWorkflow;

  constructor(actions: Readonly<Record<string, Action>>) {
    this.bench = new SimulatedWorkflow(
      (environment, bench) =>
        new Engine(
          this.traced(environment.ports),
          [normalize(order)],
          bench.instrument(environment, (_, name) => actions[name]),
        ),
      { patience: 20 },
    );
  }

  /** @param header the tracing header of the invocation that the client runs in, if any */
  public client<T>(code: (executions: Executions) => Promise<T>, header?: string): Promise<T> {
    return this.bench.asClient((ports) =>
      code(
        new Executions(
          this.traced(ports, () => header),
          ['order'],
        ),
      ),
    );
  }

  /** Checks that the segments form a chain: the parent of each is the previous one. */
  public chain(first?: string): readonly string[] {
    let parent = first;
    return this.segments.map((segment) => {
      const attempt = `${segment.name} ${segment.annotations.attempt}${segment.fault ? ` ${segment.cause?.exceptions[0]?.type}` : ''}`;
      const follows = segment.parent_id === parent && segment.trace_id === this.segments[0]?.trace_id;
      parent = segment.id;
      return follows ? attempt : `${attempt}, but not of the previous attempt`;
    });
  }

  private traced(ports: Ports, header = () => this.header): Ports {
    const send = async (segments: readonly string[]) => {
      this.segments.push(...segments.map((segment) => JSON.parse(segment) as Segment));
    };
    return { ...ports, tracer: new XRayTracer(ports.clock, send, header) };
  }
}

class CardError extends Error {
  public override readonly name = 'CardError';
}

function failing(times: number, event: string): Action {
  let left = times;
  return async () => {
    if (left === 0) return event;
    left -= 1;
    throw new CardError('the secret of the card');
  };
}

test('an execution is one trace, across retries, a wait for an event and the invocations of its steps', async () => {
  const world = new TracedWorld({ reserve: failing(1, 'reserved'), ship: failing(0, 'delivered') });
  await world.client((executions) =>
    executions.start({ machine: 'order', executionId: 'one', context: { secret: 'tea' } }),
  );
  // The first attempt alone decides whether an execution is sampled.
  await world.bench.run({ until: () => world.segments.length > 0 });
  world.header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';
  await world.bench.run();
  await world.client((executions) => executions.send('one', 'paid', { data: 'the secret of the payer' }));
  await world.bench.run();
  expect(world.chain()).toEqual([
    'order/reserving 0 CardError',
    'order/reserving 1',
    'order/waiting 0',
    'order/shipping 0',
    'order/done 0',
  ]);
  for (const { start_time: start, end_time: end, trace_id: trace } of world.segments) {
    expect(end).toBeGreaterThanOrEqual(start);
    expect(trace).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  }
  expect(world.segments[0]?.annotations).toEqual({
    executionId: 'one',
    machine: 'order',
    state: 'reserving',
    step: 0,
    attempt: 0,
  });
  expect(JSON.stringify(world.segments)).not.toContain('secret');
});

test('a catch transition continues the trace of the failed step', async () => {
  const world = new TracedWorld({ reserve: failing(0, 'reserved'), ship: failing(1, 'delivered') });
  await world.client(async (executions) => {
    await executions.send('two', 'paid');
    await executions.start({ machine: 'order', executionId: 'two' });
  });
  await world.bench.run();
  expect(world.chain()).toEqual(['order/reserving 0', 'order/waiting 0', 'order/shipping 0 CardError', 'order/lost 0']);
});

test('an execution continues the trace of the invocation that started it', async () => {
  const world = new TracedWorld({ reserve: failing(0, 'reserved') });
  world.header = undefined;
  await world.client((executions) => executions.start({ machine: 'order' }), SAMPLED);
  await world.bench.run();
  expect(world.chain('53995c3f42cd8ad8')).toEqual(['order/reserving 0', 'order/waiting 0']);
  expect(world.segments[0]?.trace_id).toBe('1-5759e988-bd862e3fe1be46a994272793');
});

test('executions that are started together have separate traces', async () => {
  const world = new TracedWorld({ reserve: failing(0, 'reserved') });
  await world.client((executions) => executions.startMany([{ machine: 'order' }, { machine: 'order' }]), SAMPLED);
  await world.bench.run();
  const traces = new Map(world.segments.map(({ trace_id: trace, annotations }) => [trace, annotations.executionId]));
  expect(traces.size).toBe(2);
  expect(traces.has('1-5759e988-bd862e3fe1be46a994272793')).toBe(false);
});

test('an execution whose first invocation is not sampled is never traced', async () => {
  const world = new TracedWorld({ reserve: failing(0, 'reserved') });
  world.header = undefined;
  await world.client((executions) => executions.start({ machine: 'order', executionId: 'none' }));
  await world.bench.run({ until: () => world.bench.services.locks.all.some(({ fence }) => fence > 0) });
  world.header = SAMPLED;
  await world.bench.run();
  expect(await world.client((executions) => executions.describe('none'))).toMatchObject({ status: 'parked', step: 1 });
  expect(world.segments).toEqual([]);
});
