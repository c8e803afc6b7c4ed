import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './child';
import { measureColdStart } from './cold-start';
import type { HandlerCost } from './handler';
import { tableOf, type Finding } from './report';
import { ring, RING_ACTIONS } from './ring';
import { SOURCE_NAMES, type Source } from './sources';
import type { Synthesis } from './synth';
import { startServers } from '../lambda/local/servers';

const USAGE = `Measures what the workflow costs on this machine, against its targets.

  --source NAME  only this event source (${SOURCE_NAMES.join(', ')}); can be given several times
  --only PART    only this part (${['requests', 'cpu', 'start', 'synth'].join(', ')}); can be given several times

Everything runs on embedded servers, with the built Lambda runtime. What is given as a ratio was measured in turns with what it is compared
to, so it says the same on every machine; times do not. Of the turns the fastest counts: what else the machine does makes none of them faster.
`;

const SYNTH_RUNS = 5;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { source: { type: 'string', multiple: true }, only: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
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
      for (const source of sources) found(...await handlerFindings(source, runtime));
    }
    if (wanted('cpu')) {
      for (const source of sources) {
        const value = await run<number>('without-sdk.ts', [source]);
        found({ what: 'processor time a transition, without the AWS SDK\'s', of: source, value, digits: 2, unit: 'ms', target: { most: 0.5 } });
      }
    }
    if (wanted('start')) {
      for (const source of sources) found(...await startFindings(source, runtime, scratch));
    }
    if (wanted('synth')) {
      for (const validation of ['true', 'false']) found(await synthFinding(validation));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}\n`);
  console.log(tableOf(findings));
}

/** Puts a machine and its actions beside the built runtime, as synth does. @returns the handler's file */
function deployRing(scratch: string): string {
  const folder = path.join(scratch, 'runtime');
  cpSync(path.join(__dirname, '..', 'assets', 'runtime'), folder, { recursive: true });
  writeFileSync(path.join(folder, 'machines.json'), JSON.stringify([ring]));
  writeFileSync(path.join(folder, 'actions.mjs'), RING_ACTIONS);
  return path.join(folder, 'index.mjs');
}

async function handlerFindings(source: Source, runtime: string): Promise<Finding[]> {
  // New servers for each, or the later ones would have more to carry.
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
      { what: 'AWS requests a transition, batch of 10', of: source, value: requests.batchOf10, digits: 3, unit: '', target: { most: most.ten } },
      { what: 'AWS requests a transition, batch of 1', of: source, value: requests.alone, digits: 3, unit: '', target: { most: most.alone } },
      { what: 'processor time a transition, with the AWS SDK\'s', of: source, value: cpu, digits: 2, unit: 'ms' },
      {
        what: 'transitions a second, one worker, batches of 100',
        of: source,
        value: throughput,
        digits: 0,
        unit: '/s',
        ...source === 'dynamodb' && {
          target: { least: 2000 },
          detail: `${(throughput / bareClient).toFixed(2)} × a bare client that makes the same writes: ${bareClient.toFixed(0)} /s`,
        },
      },
    ];
  } finally {
    await servers.stop();
  }
}

async function startFindings(source: Source, runtime: string, scratch: string): Promise<Finding[]> {
  const { bytes, milliseconds } = await measureColdStart(source, runtime, scratch);
  const kilobytes = (size: number) => `${(size / 1024).toFixed(0)} KB`;
  const targets = { bare: { handler: 'bare handler\'s', target: { most: 1.1 } }, bareSplit: { handler: 'bare handler\'s, split', target: undefined } };
  return (['bare', 'bareSplit'] as const).flatMap((bare) => {
    const { handler, target } = targets[bare];
    return [
      {
        what: `bundle that is loaded ÷ ${handler}`,
        of: source,
        value: bytes.runtime / bytes[bare],
        digits: 2,
        unit: '×',
        detail: `${kilobytes(bytes.runtime)} to ${kilobytes(bytes[bare])}`,
        target,
      },
      {
        what: `cold start ÷ ${handler}`,
        of: source,
        value: milliseconds.runtime / milliseconds[bare],
        digits: 2,
        unit: '×',
        detail: `${milliseconds.runtime.toFixed(0)} to ${milliseconds[bare].toFixed(0)} ms`,
        target,
      },
    ];
  });
}

/** @param validation whether the CDK checks the template against the schemas of CloudFormation, which it does by default */
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
  if (resources.size > 1) throw new Error(`What is written by hand is not what the workflow makes:\n${[...resources].join('\n')}`);
  const [workflow, hand] = [Math.min(...times.workflow), Math.min(...times.hand)];
  return {
    what: `synth ÷ by hand, ${validation === 'true' ? 'with' : 'without'} the CDK's validation`,
    of: 'sqs',
    value: workflow / hand,
    digits: 2,
    unit: '×',
    detail: `${workflow.toFixed(1)} to ${hand.toFixed(1)} s`,
    target: { most: 1.2 },
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
