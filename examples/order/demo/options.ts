import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { SERVICES, type Carriers, type Service } from './carriers';

/** What the demo is to do. */
export interface DemoOptions {
  /** How many orders. */
  readonly count: number;
  /** The share of requests that fail. */
  readonly share: number;
  readonly seed: string;
  readonly carriers: Carriers;
  /** The file that the tables are kept in: absolute. */
  readonly database?: string;
}

export const USAGE = `Runs the order workflow on this machine. Requests fail, the event source goes down for a while, and every order must end as it ought to.

  npm run demo -- [options]

  --source SERVICE          what carries the orders from step to step: sqs, kinesis, sns or dynamodb (default sqs)
  --failover SERVICE        what takes over when that is down, or none (default dynamodb; sqs when the source is dynamodb)
  --retry SERVICE           where a step that has failed waits for its next attempt; kinesis and sns try again at once (default sqs)
  --failover-retry SERVICE  what takes over from that, or none (default dynamodb; sqs when the retries are with dynamodb)

  --executions N            how many orders (default 200)
  --faults SHARE            the share of requests that fail, half of them after they took effect (default 0.05)
  --seed SEED               decides which requests fail (default 1)
  --db FILE                 keep the tables in a file, and run on DynamoDB alone: kill the demo, start it again, and it goes on

For example: npm run demo -- --source kinesis --failover sqs --retry dynamodb
`;

/**
 * Reads the command line.
 *
 * @returns `undefined` when only help is asked for
 * @throws Error that lists everything that is wrong
 */
export function readOptions(parameters: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      'source': { type: 'string' },
      'failover': { type: 'string' },
      'retry': { type: 'string' },
      'failover-retry': { type: 'string' },
      'executions': { type: 'string', default: '200' },
      'faults': { type: 'string', default: '0.05' },
      'seed': { type: 'string', default: '1' },
      'db': { type: 'string' },
      'help': { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    return undefined;
  }
  const problems: string[] = [];
  const count = numberOf('executions', values.executions, 1, 100_000, problems);
  const share = numberOf('faults', values.faults, 0, 1, problems);
  const carriers = values.db === undefined ? carriersOf(values, problems) : carriersInFile(values, problems);
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return { count, share, seed: values.seed, carriers, database: values.db === undefined ? undefined : path.resolve(values.db) };
}

type Given = Partial<Record<'source' | 'failover' | 'retry' | 'failover-retry', string>>;

function carriersOf(given: Given, problems: string[]): Carriers {
  const source = serviceOf('source', given, 'sqs', problems);
  const failover = serviceOrNone('failover', given, source === 'dynamodb' ? 'sqs' : 'dynamodb', problems);
  const retry = serviceOf('retry', given, 'sqs', problems);
  const failoverRetry = serviceOrNone('failover-retry', given, retry === 'dynamodb' ? 'sqs' : 'dynamodb', problems);
  if (failover && failover === source) {
    problems.push(`--failover ${failover} cannot take over from --source ${source}: an outage takes both down. Give another service, or none.`);
  }
  if (failoverRetry && failoverRetry === retry) {
    problems.push(`--failover-retry ${failoverRetry} cannot take over from --retry ${retry}: an outage takes both down. Give another service, or none.`);
  }
  // One that is not known is a problem already.
  return { source: source ?? 'sqs', failover, retry: retry ?? 'sqs', failoverRetry };
}

/** Only tables are kept in the file. */
function carriersInFile(given: Given, problems: string[]): Carriers {
  for (const [flag, allowed] of Object.entries({ 'source': 'dynamodb', 'failover': 'none', 'retry': 'dynamodb', 'failover-retry': 'none' } as const)) {
    const value = given[flag as keyof Given];
    if (value !== undefined && value !== allowed) {
      problems.push(`--${flag} ${value} does not go with --db: the file keeps tables only, and what queues, streams and topics hold is lost when ` +
        `the demo is killed. Leave out --${flag}, or --db.`);
    }
  }
  return { source: 'dynamodb', retry: 'dynamodb' };
}

function serviceOf(flag: keyof Given, given: Given, otherwise: Service, problems: string[]): Service | undefined {
  const value = given[flag] ?? otherwise;
  const service = SERVICES.find((each) => each === value);
  if (!service) {
    problems.push(`--${flag} takes ${SERVICES.join(', ')}, not "${value}".`);
  }
  return service;
}

function serviceOrNone(flag: keyof Given, given: Given, otherwise: Service, problems: string[]): Service | undefined {
  return given[flag] === 'none' ? undefined : serviceOf(flag, given, otherwise, problems);
}

function numberOf(name: string, text: string, least: number, most: number, problems: string[]): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    problems.push(`--${name} takes a number from ${least} to ${most}, not "${text}".`);
  }
  return value;
}
