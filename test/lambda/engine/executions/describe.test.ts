import type { MachineInput } from '../../../../lambda/machine';
import { committedAttempt } from '../../../support/committed';
import { World } from '../../../support/world';

const STEPS = 12;

const machine: MachineInput = {
  name: 'counting',
  initial: 'counting',
  maxRetries: 1,
  states: { counting: { do: 'count', on: { next: 'counting', end: 'done' } }, done: { final: true } },
};

/** Counts to {@link STEPS}. Each third step fails once. */
async function counted(): Promise<World> {
  const failed = new Set<number>();
  const world = new World([machine], {
    count: (context) => {
      const count = (typeof context.count === 'number' ? context.count : 0) + 1;
      if (count % 3 === 0 && !failed.has(count)) {
        failed.add(count);
        throw new Error('once');
      }
      context.count = count;
      return count < STEPS ? 'next' : 'end';
    },
  });
  await world.start('counting', 'x');
  await world.bench.run();
  return world;
}

test('describes the latest steps, and leads to the steps before them', async () => {
  const world = await counted();
  const all = await world.client((executions) => executions.describe('x'));
  expect(all).toMatchObject({ status: 'completed', context: { count: STEPS } });
  expect(all?.nextToken).toBeUndefined();
  expect(all?.steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS + 1 }, (_, step) => step));
  expect(all?.steps.every(committedAttempt)).toBe(true);

  for (let maxSteps = 1; maxSteps <= STEPS + 2; maxSteps += 1) {
    let page = await world.client((executions) => executions.describe('x', { maxSteps }));
    let steps = page?.steps ?? [];
    while (page?.nextToken !== undefined) {
      const { nextToken } = page;
      page = await world.client((executions) => executions.describe('x', { maxSteps, nextToken }));
      expect(page).toMatchObject({ status: 'completed', context: { count: STEPS }, step: all?.step });
      steps = [...(page?.steps ?? []), ...steps];
    }
    expect(steps).toEqual(all?.steps);
  }
});

test('shows the steps of an execution that continues between two pages', async () => {
  const world = new World([machine], { count: () => undefined });
  await world.start('counting', 'x');
  await world.bench.run();
  for (let sent = 0; sent < 4; sent += 1) {
    await world.client((executions) => executions.send('x', 'next'));
    await world.bench.run();
  }
  const latest = await world.client((executions) => executions.describe('x', { maxSteps: 2 }));
  expect(latest?.steps.map(({ step }) => step)).toEqual([3, 4]);
  await world.client((executions) => executions.send('x', 'end'));
  await world.bench.run();
  const before = await world.client((executions) =>
    executions.describe('x', { maxSteps: 2, nextToken: latest?.nextToken }),
  );
  expect(before).toMatchObject({ status: 'completed', step: 5 });
  expect(before?.steps.map((step) => [step.step, committedAttempt(step)?.fence])).toEqual([
    [1, 2],
    [2, 3],
  ]);
});

test('a redrive and a resumption read only the entries that they need', async () => {
  const world = new World([{ ...machine, maxRetries: 0 }], {
    count: (context) => {
      context.count = (typeof context.count === 'number' ? context.count : 0) + 1;
      if (context.count === STEPS) throw new Error('always');
      return 'next';
    },
  });
  await world.start('counting', 'x');
  await world.bench.run();
  const page = jest.spyOn(world.services.journal, 'page');
  const read = jest.spyOn(world.services.journal, 'read');
  await world.client((executions) => executions.redrive('x'));
  await world.client((executions) => executions.resume('x')).catch(() => undefined);
  expect(page).not.toHaveBeenCalled();
  expect(read.mock.calls.length).toBeLessThanOrEqual(3);
});

test.each([[0], [-1], [1.5], [1_001], [Number.NaN], ['10' as unknown as number]])(
  'refuses %p steps',
  async (maxSteps) => {
    const world = await counted();
    await expect(world.client((executions) => executions.describe('x', { maxSteps }))).rejects.toThrow(
      `Invalid maxSteps ${maxSteps}: expected an integer from 1 to 1000.`,
    );
  },
);

test.each([[''], ['5'], ['5.'], ['-1.2'], ['5.2x'], [5 as unknown as string]])(
  'refuses the token %p',
  async (nextToken) => {
    const world = await counted();
    await expect(world.client((executions) => executions.describe('x', { nextToken }))).rejects.toThrow(
      `Invalid nextToken "${nextToken}": expected one of an earlier description of the execution.`,
    );
  },
);

test('gives every time as a date, which is ISO 8601 text as JSON, and each attempt once', async () => {
  const description = await (await counted()).client((executions) => executions.describe('x'));
  const times: unknown[] = [];
  const json = JSON.stringify(description, (name, value: unknown) => {
    if (/At$/.test(name)) times.push(value);
    return value;
  });
  const attempts = description?.steps.flatMap((step) => step.attempts) ?? [];
  expect(times).toHaveLength(2 + 2 * attempts.length);
  expect(times.filter((time) => typeof time !== 'string' || new Date(time).toISOString() !== time)).toEqual([]);
  expect(json.match(/"fence":/g)).toHaveLength(attempts.length);
  expect(description?.steps[2]?.attempts).toMatchObject([
    { outcome: 'retrying', committed: false },
    { outcome: 'dispatched', committed: true, startedAt: expect.any(Date), endedAt: expect.any(Date) },
  ]);
});
