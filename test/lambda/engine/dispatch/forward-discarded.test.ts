import { Engine, type Outcome } from '../../../../lambda/engine';
import { defineMachine, normalize } from '../../../../lambda/machine';
import type { FaultRule } from '../../../../lambda/testing';
import { World } from '../../../support/world';

const machine = defineMachine({
  name: 'm',
  initial: 'a',
  states: { a: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
});

const place = { service: 'kinesis', resource: 'stream', shard: 'shard-0', sequenceNumber: '7' };
const report = {
  id: 'report',
  body: '{"KinesisBatchInfo":{}}',
  place: { service: 'sqs', resource: 'failed' },
  blocking: false,
  ordered: false,
};

/** A started execution whose envelope Lambda has discarded, and a message that is not an envelope. */
async function discard(expired: number, faults: readonly FaultRule[] = []) {
  const world = new World(
    [machine],
    { work: () => 'worked' },
    { eventSources: ['kinesis'], retryQueues: ['sqs'], faults },
  );
  const bodies = world.recordBodies();
  await world.start('m', 'x');
  const [source] = world.services.eventSources;
  const [record] = source?.take(10) ?? [];
  source?.settle([record!], new Map([[record!.id, 'acknowledge']]));
  expect(bodies).toEqual([record?.body]);
  const outcome = await world.bench.asClient(async (ports): Promise<Outcome> => {
    const engine = new Engine(ports, [normalize(machine)], () => undefined);
    const records = [record!.body, 'no JSON'].map((body) => ({ body, place }));
    return engine.forwardDiscarded(report, records, expired, { deadline: world.clock.now() + 30_000 });
  });
  return { world, outcome };
}

test('sends discarded envelopes to the event source again, and dead-letters other records', async () => {
  const { world, outcome } = await discard(0);
  expect(outcome).toBe('acknowledge');
  expect(world.services.deadLetters.letters).toMatchObject([{ body: 'no JSON', place }]);
  await world.bench.run();
  expect(world.lock('x')?.status).toBe('completed');
});

test('dead-letters the report if some records have expired', async () => {
  const { world, outcome } = await discard(3);
  expect(outcome).toBe('acknowledge');
  expect(world.services.deadLetters.letters).toContainEqual(
    expect.objectContaining({ body: report.body, reason: expect.stringContaining('3 of the records') }),
  );
});

test('keeps the report until every record is sent', async () => {
  const failure = { on: 'client.eventSources', fault: 'fail', effect: 'before' } as const;
  const all = { on: 'client.retryQueues', fault: 'fail', effect: 'before' } as const;
  const { outcome } = await discard(0, [
    { ...failure, call: 2 },
    { ...all, call: 1 },
  ]);
  expect(outcome).toEqual({ redeliverAt: expect.any(Number) });
});
