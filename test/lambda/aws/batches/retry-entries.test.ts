import { retryEntries } from '../../../../lambda/aws/batches/retry-entries';
import { systemRandom } from '../../../../lambda/aws/system';

test('sends the entries that failed again in their order', async () => {
  const requests: string[][] = [];
  const system = { random: systemRandom, clock: { now: () => 0, sleep: async () => undefined } };
  const results = await retryEntries(['a', 'b', 'c', 'd'], system, async (entries) => {
    requests.push([...entries]);
    return entries.map((entry) => ({ result: entry, retry: requests.length < 3 && entry !== 'b' }));
  });
  expect(requests).toEqual([
    ['a', 'b', 'c', 'd'],
    ['a', 'c', 'd'],
    ['a', 'c', 'd'],
  ]);
  expect(results).toEqual(['a', 'b', 'c', 'd']);
});
