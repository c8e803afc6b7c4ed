import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Context } from 'aws-lambda';
import { EcsActions } from './ecs-actions.js';
import { readInvocation, respond, type BatchResponse } from './records.js';
import { Requests } from './requests.js';
import { connect, defaultSystem, type System } from '../aws/connect.js';
import { ECS_TASKS_VARIABLE, readEcsTasks } from '../aws/ecs/configuration.js';
import { CONFIGURATION_VARIABLE, parseConfiguration } from '../aws/parse-configuration.js';
import { actionsOf, Engine, Executions, missingActions } from '../engine/index.js';
import type { Machine, Upgrade } from '../machine/index.js';

/** The timer fires once a minute. */
const TIMER_PERIOD = 60_000;

// All this happens once, at cold start: what is wrong with the deployment shows in the first invocation, before any record is touched.
const configuration = parseConfiguration(process.env[CONFIGURATION_VARIABLE]);
const [{ ports, dueStores }, machines, upgrades, exported] = await Promise.all([
  monitoredSystem().then((system) => connect(configuration, system)),
  readMachines(),
  readUpgrades(),
  // Synth puts the user's bundle beside this file; it is no part of the library.
  import(new URL('./actions.mjs', import.meta.url).href) as Promise<{ readonly default?: unknown }>,
]);
const ecsTasks = readEcsTasks(process.env[ECS_TASKS_VARIABLE]);
const ecsActions = new EcsActions(ecsTasks);
const actions = ecsActions.over(actionsOf(exported.default));
const missing = missingActions([...machines, ...Object.values(upgrades).flatMap(({ previousVersions = [] }) => previousVersions)], actions);
if (missing.length > 0) ports.logger.error('The actions file lacks actions that the machines name; steps that need them will fail.', { missing: [...missing] });
const tasks = Object.keys(ecsTasks).length > 0 ? ecsActions : undefined;
const engine = new Engine({ ...ports, tasks }, machines, actions, {
  eagerCommit: configuration.eagerCommit,
  remembered: configuration.lockTable.retentionDays * 86_400_000,
  upgrades,
  maxRunningExecutions: configuration.maxRunningExecutions ?? {},
});
const requests = new Requests(new Executions(ports, configuration.machines), ecsTasks, ports.logger);

/** The entry point of the workflow's function, for every event source, the timer, and what others ask of the workflow. */
export async function handler(event: unknown, context: Context): Promise<BatchResponse | undefined> {
  const invocation = { deadline: Date.now() + context.getRemainingTimeInMillis() };
  if (await requests.serve(event)) {
    await ports.metrics.flush();
    return undefined;
  }
  const invoked = readInvocation(event);
  if (invoked.kind === 'records') return respond(await engine.process(invoked.deliveries, invocation), invoked.partial);
  const until = Date.now() + TIMER_PERIOD;
  await engine.sendDue(dueStores, until, invocation);
  return undefined;
}

/** The system of this machine, watched as the workflow says: only what is used is loaded. */
async function monitoredSystem(): Promise<System> {
  const system = defaultSystem();
  const { workflow, putMetrics, tracing } = configuration;
  const [metrics, tracer] = await Promise.all([
    putMetrics ? import('../aws/cloudwatch/index.js').then(({ CloudWatch }) => new CloudWatch(system).metrics(workflow)) : undefined,
    tracing ? import('../aws/xray/index.js').then(({ XRay }) => new XRay(system).tracer()) : undefined,
  ]);
  return { ...system, metrics, tracer };
}

/** The machines were validated at synth, and written beside this file in their normal form. */
async function readMachines(): Promise<readonly Machine[]> {
  return JSON.parse(await readFile(new URL('./machines.json', import.meta.url), 'utf8')) as Machine[];
}

/** The same is true of what goes with them, by the name of the machine; there is no file where nothing does. */
async function readUpgrades(): Promise<Readonly<Record<string, Upgrade>>> {
  const file = new URL('./upgrades.json', import.meta.url);
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) as Record<string, Upgrade> : {};
}
