import { ConfigurationError, parseJson } from './configuration-error';
import { BROKER_NAMES } from '../contract/brokers';
import type { WorkflowConfiguration } from '../contract/configuration';
import { isObject } from '../machine/is-object';

/** The members that every client reads. */
const MEMBERS = [
  'workflow',
  'eventSource',
  'retryQueues',
  'lockTable',
  'checkpointTable',
] as const satisfies readonly (keyof WorkflowConfiguration)[];

const BROKERS: readonly unknown[] = BROKER_NAMES;

/**
 * Reads the configuration of a client. The construct renders it, so this finds the mistakes on its way: a variable that is not set or holds
 * something else, or a construct that is newer than the client.
 *
 * @param configuration as JSON text or parsed
 * @throws ConfigurationError that lists all problems
 */
export function readClientConfiguration(configuration: string | object): WorkflowConfiguration {
  const value: unknown = typeof configuration === 'string' ? parseJson(configuration) : configuration;
  const members = isObject(value) ? value : {};
  const brokers = [members.eventSource, members.failoverEventSource, members.retryQueues].flat().filter(isObject);
  const unknown = brokers.map(({ service }) => service).filter((service) => !BROKERS.includes(service));
  const problems = [
    ...MEMBERS.filter((name) => (members[name] ?? '') === '').map((name) => `Missing ${name}.`),
    ...unknown.map(
      (service) =>
        `Unknown service ${JSON.stringify(service)}: this version of cdk-lambda-fsm knows ${BROKERS.join(', ')}.`,
    ),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  // The construct rendered the other members.
  return value as WorkflowConfiguration;
}
