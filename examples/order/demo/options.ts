import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { SERVICES, type Carriers, type Service } from './carriers';

/** The options of the demo. */
export interface DemoOptions {
  /** Number of orders. */
  readonly count: number;
  /** Share of requests that fail: 0 to 1. */
  readonly share: number;
  readonly seed: string;
  readonly carriers: Carriers;
  /** Absolute path of the file that stores the tables. */
  readonly database?: string;
}

export const USAGE = `Runs the order workflow on this machine: first with healthy services, then during an outage of the event source, with failing
requests and a killed invocation. Afterwards the demo checks every order. It exits with 1 if an order is lost or a step is committed twice.

  npm run demo -- [options]

  --source SERVICE          event source: sqs, kinesis, sns or dynamodb (default: sqs)
  --failover SERVICE        event source that takes over, or none (default: dynamodb; sqs if the source is dynamodb)
  --retry SERVICE           retry queue; kinesis and sns retry without a backoff (default: sqs)
  --failover-retry SERVICE  retry queue that takes over, or none (default: dynamodb; sqs if the retry queue is dynamodb)

  --executions N            number of orders, 1 to 100000 (default: 200)
  --faults SHARE            share of requests that fail, half of them after they took effect, 0 to 1 (default: 0.03)
  --seed SEED               seed that selects the failing requests (default: 1)
  --db FILE                 store the tables in a file and run on DynamoDB alone: kill the demo, restart it, and it resumes
  --help                    print this text

Example: npm run demo -- --source kinesis --failover sqs --retry dynamodb
`;

/**
 * Parses the command line.
 *
 * @returns `undefined` if `--help` is given
 * @throws Error that lists all invalid options
 */
export function readOptions(parameters: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      source: { type: 'string' },
      failover: { type: 'string' },
      retry: { type: 'string' },
      'failover-retry': { type: 'string' },
      executions: { type: 'string', default: '200' },
      faults: { type: 'string', default: '0.03' },
      seed: { type: 'string', default: '1' },
      db: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
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
  return {
    count,
    share,
    seed: values.seed,
    carriers,
    database: values.db === undefined ? undefined : path.resolve(values.db),
  };
}

type Given = Partial<Record<'source' | 'failover' | 'retry' | 'failover-retry', string>>;

function carriersOf(given: Given, problems: string[]): Carriers {
  const source = serviceOf('source', given, 'sqs', problems);
  const failover = serviceOrNone('failover', given, source === 'dynamodb' ? 'sqs' : 'dynamodb', problems);
  const retry = serviceOf('retry', given, 'sqs', problems);
  const failoverRetry = serviceOrNone('failover-retry', given, retry === 'dynamodb' ? 'sqs' : 'dynamodb', problems);
  if (failover && failover === source) {
    problems.push(
      `--failover ${failover} is also the --source, so one outage would stop both. Choose another service, or none.`,
    );
  }
  if (failoverRetry && failoverRetry === retry) {
    problems.push(
      `--failover-retry ${failoverRetry} is also the --retry queue, so one outage would stop both. Choose another service, or none.`,
    );
  }
  // Unknown services are already listed in `problems`.
  return { source: source ?? 'sqs', failover, retry: retry ?? 'sqs', failoverRetry };
}

/** With `--db`, only DynamoDB survives a restart. */
function carriersInFile(given: Given, problems: string[]): Carriers {
  for (const [flag, allowed] of Object.entries({
    source: 'dynamodb',
    failover: 'none',
    retry: 'dynamodb',
    'failover-retry': 'none',
  } as const)) {
    const value = given[flag as keyof Given];
    if (value !== undefined && value !== allowed) {
      problems.push(
        `--${flag} ${value} cannot be combined with --db: the file stores tables only, so messages in queues, streams and topics would be ` +
          `lost on a restart. Omit --${flag} or --db.`,
      );
    }
  }
  return { source: 'dynamodb', retry: 'dynamodb' };
}

function serviceOf(flag: keyof Given, given: Given, otherwise: Service, problems: string[]): Service | undefined {
  const value = given[flag] ?? otherwise;
  const service = SERVICES.find((each) => each === value);
  if (!service) {
    problems.push(`Invalid --${flag} "${value}": expected ${SERVICES.slice(0, -1).join(', ')} or ${SERVICES.at(-1)}.`);
  }
  return service;
}

function serviceOrNone(flag: keyof Given, given: Given, otherwise: Service, problems: string[]): Service | undefined {
  return given[flag] === 'none' ? undefined : serviceOf(flag, given, otherwise, problems);
}

function numberOf(name: string, text: string, min: number, max: number, problems: string[]): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    problems.push(`Invalid --${name} "${text}": expected a number from ${min} to ${max}.`);
  }
  return value;
}
