import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './child';
import { measureColdStart } from './cold-start';
import type { HandlerCost } from './handler';
import type { LoadCost } from './load';
import { tableOf, type Finding } from './report';
import { ring, RING_ACTIONS } from './ring';
import { SOURCE_NAMES, type Source } from './sources';
import type { Synthesis } from './synth';
import { startServers } from '../lambda/local/servers/servers';

const USAGE = `Measures the cost of the workflow on this machine and compares it with targets.

  --source NAME  measure only this event source (${SOURCE_NAMES.join(', ')}); repeatable
  --only PART    measure only this part (${['requests', 'cpu', 'start', 'synth', 'load'].join(', ')}); repeatable
  --help         print this text

The bench runs the built Lambda runtime on embedded servers. Ratios compare two alternatives measured in alternation, so they hold on
every machine; times do not. The fastest turn counts, because other work on the machine can only slow a turn down.
`;

const SYNTH_RUNS = 5;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      source: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const sources = SOURCE_NAMES.filter((name) => !values.source || values.source.includes(name));
  const wanted = (part: string) => !values.only || values.only.includes(part);
  const scratch = mkdtempSync(path.join(tmpdir(), 'cdk-lambda-fsm-bench-'));
  const findings: Finding[] = [];
  const found = (...more: readonly Finding[]) => {
    findings.push(...more);
    console.error(more.map(({ what, of }) => `  measured: ${what}, ${of}`).join('\n'));
  };
  try {
    const runtime = deployRing(scratch);
    if (wanted('requests')) {
      for (const source of sources) found(...(await handlerFindings(source, runtime)));
    }
    if (wanted('cpu')) {
      for (const source of sources) {
        const value = await run<number>('without-sdk.ts', [source]);
        found({
          what: 'processor time per transition, without the AWS SDK',
          of: source,
          value,
          digits: 2,
          unit: 'ms',
          target: { most: 0.5 },
        });
      }
    }
    if (wanted('start')) {
      for (const source of sources) found(...(await startFindings(source, runtime, scratch)));
    }
    if (wanted('synth')) {
      for (const validation of ['true', 'false']) found(await synthFinding(validation));
    }
    if (wanted('load')) {
      for (const load of Object.keys(LOADS)) found(...(await loadFindings(load)));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}\n`);
  console.log(tableOf(findings));
}

/**
 * Puts a machine and its actions next to the built runtime, as synth does.
 *
 * @returns the path of the handler
 */
function deployRing(scratch: string): string {
  const folder = path.join(scratch, 'runtime');
  cpSync(path.join(__dirname, '..', 'assets', 'runtime'), folder, { recursive: true });
  writeFileSync(path.join(folder, 'machines.json'), JSON.stringify([ring]));
  writeFileSync(path.join(folder, 'actions.mjs'), RING_ACTIONS);
  return path.join(folder, 'index.mjs');
}

async function handlerFindings(source: Source, runtime: string): Promise<Finding[]> {
  // Each event source gets new servers, because servers slow down as their data grows.
  const servers = await startServers();
  try {
    const { requests, cpu, throughput, bareClient } = await run<HandlerCost>('handler.ts', [source, runtime], {
      AWS_ENDPOINT_URL_DYNAMODB: servers.dynamodb,
      AWS_ENDPOINT_URL_SQS: servers.sqs,
      AWS_ENDPOINT_URL_SNS: servers.sns,
      AWS_ENDPOINT_URL_KINESIS: servers.kinesis,
    });
    const most = source === 'dynamodb' ? { ten: 1.1, alone: 2 } : { ten: 1.2, alone: 3 };
    return [
      {
        what: 'AWS requests per transition, batch of 10',
        of: source,
        value: requests.batchOf10,
        digits: 3,
        unit: '',
        target: { most: most.ten },
      },
      {
        what: 'AWS requests per transition, batch of 1',
        of: source,
        value: requests.alone,
        digits: 3,
        unit: '',
        target: { most: most.alone },
      },
      { what: 'processor time per transition, with the AWS SDK', of: source, value: cpu, digits: 2, unit: 'ms' },
      {
        what: 'transitions per second, one worker, batches of 100',
        of: source,
        value: throughput,
        digits: 0,
        unit: '/s',
        ...(source === 'dynamodb' && {
          target: { least: 2000 },
          detail: `${(throughput / bareClient).toFixed(2)} × a bare client with the same writes, ${bareClient.toFixed(0)} /s`,
        }),
      },
    ];
  } finally {
    await servers.stop();
  }
}

async function startFindings(source: Source, runtime: string, scratch: string): Promise<Finding[]> {
  const { bytes, milliseconds } = await measureColdStart(source, runtime, scratch);
  const kilobytes = (size: number) => `${(size / 1024).toFixed(0)} KB`;
  const targets = {
    bare: { handler: 'bare handler', target: { most: 1.1 } },
    bareSplit: { handler: 'bare handler, split', target: undefined },
  };
  return (['bare', 'bareSplit'] as const).flatMap((bare) => {
    const { handler, target } = targets[bare];
    return [
      {
        what: `loaded bundle ÷ ${handler}`,
        of: source,
        value: bytes.runtime / bytes[bare],
        digits: 2,
        unit: '×',
        detail: `${kilobytes(bytes.runtime)} and ${kilobytes(bytes[bare])}`,
        target,
      },
      {
        what: `cold start ÷ ${handler}`,
        of: source,
        value: milliseconds.runtime / milliseconds[bare],
        digits: 2,
        unit: '×',
        detail: `${milliseconds.runtime.toFixed(0)} and ${milliseconds[bare].toFixed(0)} ms`,
        target,
      },
    ];
  });
}

/** The loads of load.ts, and their targets on a quiet machine with two cores. */
const LOADS: Readonly<Record<string, { readonly what: string; readonly seconds: number; readonly megabytes: number }>> =
  {
    starts: { what: 'starts in one startMany', seconds: 600, megabytes: 60 },
    senders: { what: 'senders to one execution at once', seconds: 10, megabytes: 100 },
    due: { what: 'retries due at one second', seconds: 120, megabytes: 60 },
  };

async function loadFindings(load: string): Promise<Finding[]> {
  const { what, seconds, megabytes } = LOADS[load]!;
  const servers = await startServers();
  try {
    const cost = await run<LoadCost>('load.ts', [load], {
      AWS_ENDPOINT_URL_DYNAMODB: servers.dynamodb,
      AWS_ENDPOINT_URL_SQS: servers.sqs,
    });
    const MEGABYTE = 1024 * 1024;
    const of = `${cost.count.toLocaleString('en')} ${what}`;
    const left = `${(cost.leftBytes / MEGABYTE).toFixed(0)} MB at the end`;
    return [
      { what: 'time', of, value: cost.seconds, digits: 1, unit: 's', target: { most: seconds } },
      { what: 'lost or refused', of, value: cost.failed, digits: 0, unit: '', target: { most: 0 } },
      {
        what: 'growth of the heap',
        of,
        value: cost.peakBytes / MEGABYTE,
        digits: 0,
        unit: 'MB',
        detail: left,
        target: { most: megabytes },
      },
    ];
  } finally {
    await servers.stop();
  }
}

/** @param validation `true` if the CDK validates the template against the CloudFormation schemas, which is the default */
async function synthFinding(validation: string): Promise<Finding> {
  const times = { workflow: [] as number[], hand: [] as number[] };
  const resources = new Set<string>();
  for (let turn = 0; turn < SYNTH_RUNS; turn++) {
    for (const kind of ['workflow', 'hand'] as const) {
      const synthesis = await run<Synthesis>('synth.ts', [kind], { CDK_VALIDATION: validation });
      times[kind].push(synthesis.seconds);
      resources.add(synthesis.resources);
    }
  }
  if (resources.size > 1) {
    throw new Error(`The stack written by hand differs from the workflow:\n${[...resources].join('\n')}`);
  }
  const [workflow, hand] = [Math.min(...times.workflow), Math.min(...times.hand)];
  return {
    what: `synth ÷ written by hand, ${validation === 'true' ? 'with' : 'without'} CDK validation`,
    of: 'sqs',
    value: workflow / hand,
    digits: 2,
    unit: '×',
    detail: `${workflow.toFixed(1)} and ${hand.toFixed(1)} s`,
    target: { most: 1.2 },
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
