import { InFlight } from '../../../../../lambda/engine/executions/sending/in-flight';

test('runs at most as many operations at once as allowed, in order', async () => {
  const flight = new InFlight(3);
  const began: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      flight.run(async () => {
        began.push(index);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (index % 4 === 0) throw new Error('failed');
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(began).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual(
    Array.from({ length: 10 }, (_, index) => index % 4 !== 0),
  );
});
