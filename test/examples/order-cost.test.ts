import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  billedQuantities,
  measureOrder,
  priceOf,
  type BilledQuantities,
  type OrderUsage,
  type PricedSource,
} from '../../bench/order-cost';
import { startServers } from '../../lambda/local/servers/servers';
import { blocksOf, writeBlocks } from '../support/snippets';
import type { Implementation } from 'cdk-lambda-fsm/runtime';

/* The price table of the README is compared with the usage of the README's own order, counted on the embedded servers. */

jest.setTimeout(120_000);

const README = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');

/** The rows of the table, by their first cell. */
const ROWS: readonly (readonly [title: string, unit: keyof BilledQuantities])[] = [
  ['DynamoDB write units', 'writeUnits'],
  ['DynamoDB read units', 'readUnits'],
  ['SQS requests', 'sqsRequests'],
  ['Lambda requests', 'invocations'],
  ['Lambda GB-seconds', 'gigabyteSeconds'],
  ['Logs and metrics ingested, KB', 'logGigabytes'],
  ['Storage for 30 days, KB', 'storedGigabyteMonths'],
];

/** The columns of the table: event source and orders in a batch. */
const COLUMNS: readonly (readonly [source: PricedSource, batch: number])[] = [
  ['sqs', 1],
  ['sqs', 10],
  ['dynamodb', 1],
  ['dynamodb', 10],
];

/** The numbers in a row of the table, without the column with the prices. */
function rowOf(title: string): number[] {
  const rows = README.split('\n').map((line) => line.split('|').map((cell) => cell.replaceAll('*', '').trim()));
  const [, , , ...cells] = rows.find(([, first]) => first === title) ?? [];
  return cells.slice(0, -1).map((cell) => Number(cell.replace('$', '')));
}

async function measure(source: PricedSource, batch: number): Promise<OrderUsage> {
  // test/docs/compile.test.ts compiles the snippet, whose default export is an implementation.
  const { default: implementation } = jest.requireActual<{ default: Implementation }>(actionsFile);
  const servers = await startServers();
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: servers.dynamodb,
    AWS_ENDPOINT_URL_SQS: servers.sqs,
  });
  try {
    return await measureOrder(source, implementation, batch);
  } finally {
    await servers.stop();
  }
}

const actionsFile =
  writeBlocks(blocksOf(README), '.readme/order-cost').find((file) => file?.endsWith('order.actions.ts')) ?? '';
const environment = { ...process.env };
afterAll(() => {
  process.env = environment;
});

test.each(COLUMNS.map(([source, batch], column) => ({ source, batch, column })))(
  'the README states the price on $source in batches of $batch',
  async ({ source, batch, column }) => {
    const usage = await measure(source, batch);
    const quantities = billedQuantities(usage, batch);
    for (const [title, unit] of ROWS) {
      const stated = rowOf(title)[column] ?? Number.NaN;
      // Timestamps in log lines and items vary by a few bytes, and a slow step of ten sends its message apart: 5 % are allowed.
      if (/KB$/.test(title) || batch > 1) {
        expect({ title, stated, isNear: Math.abs(quantities[unit] - stated) <= 0.05 * stated }).toMatchObject({
          isNear: true,
        });
      } else {
        expect([title, stated.toPrecision(2)]).toEqual([title, quantities[unit].toPrecision(2)]);
      }
    }
    expect(rowOf('A million orders')[column]).toBeCloseTo(priceOf(quantities), 1);
    expect(README).toContain(`${usage.transitions} transitions`);
    expect(README).toContain(`${usage.customMetrics} custom metrics`);
  },
);
