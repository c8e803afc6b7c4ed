import type { WorkflowConfiguration } from './configuration';

/** The environment variable that holds the workflow's configuration. */
export const CONFIGURATION_VARIABLE = 'FSM_WORKFLOW';

/** The configuration of a workflow is missing or malformed. */
export class ConfigurationError extends Error {
  public override readonly name = 'ConfigurationError';

  /** @param problems all that is wrong, each with its place */
  constructor(public readonly problems: readonly string[]) {
    super(`The workflow's configuration is not usable:\n${problems.map((problem) => `- ${problem}`).join('\n')}\n` +
      `It is rendered by the construct: as ${CONFIGURATION_VARIABLE} in the environment of the workflow's function, and as \`clientConfiguration\` for clients.`);
  }
}

/**
 * Reads the JSON of a {@link WorkflowConfiguration}.
 *
 * @throws ConfigurationError with all problems at once
 */
export function parseConfiguration(text: string | undefined): WorkflowConfiguration {
  if (text === undefined || text === '') {
    throw new ConfigurationError(['it is empty']);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new ConfigurationError([`it is no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`]);
  }
  const problems: string[] = [];
  checkWorkflow(new Part(value, '', problems));
  if (problems.length > 0) {
    throw new ConfigurationError(problems);
  }
  // Every member of the type was checked.
  return value as WorkflowConfiguration;
}

function checkWorkflow(workflow: Part): void {
  if (!workflow.isObject()) return;
  workflow.member('workflow').isText();
  const machines = workflow.member('machines');
  if (machines.isList()) machines.items().forEach((machine) => machine.isText());
  checkEventSource(workflow.member('eventSource'));
  workflow.optional('failoverEventSource', checkEventSource);
  const retryQueues = workflow.member('retryQueues');
  if (retryQueues.isList()) retryQueues.items().forEach(checkRetryQueue);
  checkLocks(workflow.member('lockTable'));
  workflow.optional('failoverLockTable', (table) => {
    checkTable(table);
    workflow.member('functionTimeoutSeconds').isInteger(1);
  });
  checkTable(workflow.member('checkpointTable'));
  const deadLetterQueue = workflow.member('deadLetterQueue');
  if (deadLetterQueue.serviceOf(['sqs'])) deadLetterQueue.member('queueUrl').isUrl();
  workflow.optional('maxRunningExecutions', (limits) => {
    if (limits.isObject()) limits.members().forEach((limit) => limit.isInteger(1));
  });
  workflow.optional('ecsTasks', (flag) => flag.isFlag());
  workflow.optional('eagerCommit', (flag) => flag.isFlag());
  workflow.optional('putMetrics', (flag) => flag.isFlag());
  workflow.optional('tracing', (flag) => flag.isFlag());
}

function checkEventSource(source: Part): void {
  switch (source.serviceOf(['sqs', 'dynamodb', 'kinesis', 'sns'])) {
    case 'sqs':
      source.member('queueUrl').isUrl();
      source.optional('fifo', (flag) => flag.isFlag());
      break;
    case 'kinesis':
      source.member('streamName').isText();
      break;
    case 'sns':
      source.member('topicArn').isText();
      break;
  }
}

function checkRetryQueue(queue: Part): void {
  switch (queue.serviceOf(['sqs', 'dynamodb', 'kinesis', 'sns'])) {
    case 'sqs':
      queue.member('queueUrl').isUrl();
      break;
    case 'dynamodb':
      queue.member('tableName').isText();
      queue.member('shards').isInteger(1);
      break;
    case 'kinesis':
      queue.member('streamName').isText();
      break;
    case 'sns':
      queue.member('topicArn').isText();
      break;
  }
}

function checkLocks(locks: Part): void {
  switch (locks.serviceOf(['dynamodb', 'elasticache'])) {
    case 'dynamodb':
      checkTable(locks);
      break;
    case 'elasticache':
      locks.member('endpoint').isEndpoint();
      locks.member('userName').isText();
      if (locks.has('passwordSecret')) {
        locks.member('passwordSecret').isText();
        locks.optional('passwordField', (field) => field.isText());
      } else {
        for (const name of ['cacheName', 'region']) locks.member(name).isText();
        locks.optional('nodeBased', (flag) => flag.isFlag());
      }
      locks.member('retentionDays').isInteger(1);
      break;
  }
}

function checkTable(table: Part): void {
  if (!table.serviceOf(['dynamodb'])) return;
  table.member('tableName').isText();
  table.member('retentionDays').isInteger(1);
}

/** A part of the configuration, and where it stands. */
class Part {
  constructor(private readonly value: unknown, private readonly path: string, private readonly problems: string[]) {}

  public member(name: string): Part {
    const members: Readonly<Record<string, unknown>> = isObject(this.value) ? this.value : {};
    return new Part(Object.hasOwn(members, name) ? members[name] : undefined, this.path ? `${this.path}.${name}` : name, this.problems);
  }

  public has(name: string): boolean {
    return isObject(this.value) && Object.hasOwn(this.value, name);
  }

  public optional(name: string, check: (part: Part) => void): void {
    const part = this.member(name);
    if (part.value !== undefined) check(part);
  }

  public members(): Part[] {
    return isObject(this.value) ? Object.keys(this.value).map((name) => this.member(name)) : [];
  }

  public items(): Part[] {
    return Array.isArray(this.value) ? this.value.map((item: unknown, index) => new Part(item, `${this.path}[${index}]`, this.problems)) : [];
  }

  public isObject(): boolean {
    return this.expect(isObject(this.value), 'an object');
  }

  public isList(): boolean {
    return this.expect(Array.isArray(this.value) && this.value.length > 0, 'a list of at least one');
  }

  public isText(): void {
    this.expect(typeof this.value === 'string' && this.value !== '', 'a text that is not empty');
  }

  public isUrl(): void {
    this.expect(typeof this.value === 'string' && /^https?:\/\/./.test(this.value), 'a URL');
  }

  public isEndpoint(): void {
    this.expect(typeof this.value === 'string' && /^[^:/]+:\d+$/.test(this.value), 'a host name and a port, as in "host:6379"');
  }

  public isFlag(): void {
    this.expect(typeof this.value === 'boolean', 'true or false');
  }

  public isInteger(least: number): void {
    this.expect(Number.isSafeInteger(this.value) && Number(this.value) >= least, `an integer ≥ ${least}`);
  }

  /** @returns the service that the part names, if it is one of these */
  public serviceOf<S extends string>(services: readonly S[]): S | undefined {
    if (!this.isObject()) return undefined;
    const { value, path } = this.member('service');
    const service = services.find((candidate) => candidate === value);
    if (!service) this.problems.push(`${path} ${found(value)}, but should be ${services.map((name) => `"${name}"`).join(' or ')}`);
    return service;
  }

  private expect(holds: boolean, expected: string): boolean {
    if (!holds) {
      this.problems.push(`${this.path || 'it'} ${found(this.value)}, but should be ${expected}`);
    }
    return holds;
  }
}

/** What stands there, in few words however much it is. */
function found(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (Array.isArray(value)) return value.length === 0 ? 'is []' : 'is a list';
  if (isObject(value)) return 'is an object';
  return `is ${JSON.stringify(typeof value === 'string' && value.length > 100 ? `${value.slice(0, 100)}…` : value)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
