import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Context } from 'aws-lambda';
import { ActionsFile } from './actions-file.js';
import { EcsActions } from './ecs-actions.js';
import { readInvocation, respond, type BatchResponse } from './records.js';
import { Requests } from './requests.js';
import { StrayErrors } from './stray-errors.js';
import { connect } from '../aws/connect.js';
import { functionSystem } from '../aws/function-system.js';
import { parseConfiguration } from '../aws/parse-configuration.js';
import type { System } from '../aws/system.js';
import { CODE_FILES } from '../contract/code.js';
import { readEcsTasks } from '../contract/ecs-tasks.js';
import { ECS_TASKS_VARIABLE, WORKFLOW_VARIABLE } from '../contract/environment.js';
import { TIMER_PERIOD_MINUTES } from '../contract/events.js';
import { Engine, Executions, missingActions } from '../engine/index.js';
import type { Machine, Upgrade } from '../machine/index.js';

// Runs once, at cold start: an invalid deployment fails the first invocation before it reads a record.
// Synth writes the members of the configuration that may be large next to this file.
const configuration = parseConfiguration(process.env[WORKFLOW_VARIABLE], await readBeside(CODE_FILES.configuration));
// Synth adds the bundle of the user's actions next to this file.
const actionsFile = new ActionsFile(fileBeside(CODE_FILES.actions));
const [{ ports, dueStores, readAgain, scheduleRedeliveries }, machines, upgrades, ecsTasks, notLoaded] =
  await Promise.all([
    monitoredSystem().then((system) => connect(configuration, system)),
    readMachines(),
    readUpgrades(),
    readBeside(CODE_FILES.ecsTasks).then((file) => readEcsTasks(file, process.env[ECS_TASKS_VARIABLE])),
    actionsFile.load(),
  ]);
const ecsActions = new EcsActions(ecsTasks);
const strayErrors = new StrayErrors(ports.logger, configuration.logErrorMessages);
strayErrors.watch();
const actions = strayErrors.over(ecsActions.over(actionsFile.actions));
if (notLoaded) {
  ports.logger.error('The actions file cannot be loaded. All steps with actions will fail.', {
    error: notLoaded.message,
    stack: notLoaded.cause instanceof Error ? notLoaded.cause.stack : undefined,
  });
}
const missing = missingActions(
  [...machines, ...Object.values(upgrades).flatMap(({ previousVersions = [] }) => previousVersions)],
  actions,
);
if (missing.length > 0) {
  ports.logger.error('The actions file lacks actions that the machines name. Steps that need them will fail.', {
    missing: missing.map(({ machine, state, action }) => `machine "${machine}", state "${state}": ${action}`),
  });
}
const tasks = Object.keys(ecsTasks).length > 0 ? ecsActions : undefined;
const engine = new Engine({ ...ports, tasks }, machines, actions, {
  eagerCommit: configuration.eagerCommit,
  logErrorMessages: configuration.logErrorMessages,
  upgrades,
  maxRunningExecutions: configuration.maxRunningExecutions ?? {},
});
const requests = new Requests(new Executions(ports, configuration.machines), ecsTasks, ports.logger);

/** The entry point of the workflow's function: handles the records of all event sources, the timer, and requests. */
export async function handler(event: unknown, context: Context): Promise<BatchResponse | undefined> {
  const invocation = { deadline: Date.now() + context.getRemainingTimeInMillis() };
  await actionsFile.load();
  if (await requests.serve(event)) {
    await ports.metrics.flush();
    return undefined;
  }
  const invoked = readInvocation(event, configuration);
  if (invoked.kind === 'records') {
    const outcomes = await engine.process(invoked.deliveries, invocation);
    await scheduleRedeliveries(invoked.deliveries, outcomes, invocation);
    return respond(outcomes, invoked.partial);
  }
  if (invoked.kind === 'discarded') {
    const { records, report } = invoked;
    const found = await readAgain(records);
    const outcome = await engine.forwardDiscarded(report, found, Math.max(0, records.count - found.length), invocation);
    const outcomes = new Map([[report.id, outcome]]);
    await scheduleRedeliveries([report], outcomes, invocation);
    return respond(outcomes, true);
  }
  // If it fails again, the queue redelivers it, and in the end dead-letters it.
  if (invoked.kind === 'request') return handler(invoked.event, context);
  const until = Date.now() + TIMER_PERIOD_MINUTES * 60_000;
  await engine.sendDue(dueStores, until, invocation, invoked.part);
  return undefined;
}

/** The system of this machine, with the metrics and the tracer that the workflow configures. Loads only what is used. */
async function monitoredSystem(): Promise<System> {
  const { workflow, putMetrics, tracing } = configuration;
  const system = functionSystem(workflow);
  const [metrics, tracer] = await Promise.all([
    putMetrics
      ? import('../aws/cloudwatch/index.js').then(({ CloudWatch }) => new CloudWatch(system).metrics(workflow))
      : system.metrics,
    tracing ? import('../aws/xray/index.js').then(({ XRay }) => new XRay(system).tracer()) : undefined,
  ]);
  return { ...system, metrics, tracer };
}

/** Synth validated the machines and wrote them next to this file in their normal form. */
async function readMachines(): Promise<readonly Machine[]> {
  return JSON.parse((await readBeside(CODE_FILES.machines)) ?? '[]') as Machine[];
}

/** Synth also wrote the upgrades by machine name, if there are any. */
async function readUpgrades(): Promise<Readonly<Record<string, Upgrade>>> {
  return JSON.parse((await readBeside(CODE_FILES.upgrades)) ?? '{}') as Record<string, Upgrade>;
}

async function readBeside(name: string): Promise<string | undefined> {
  const file = fileBeside(name);
  return existsSync(file) ? readFile(file, 'utf8') : undefined;
}

function fileBeside(name: string): URL {
  return new URL(name, import.meta.url);
}
