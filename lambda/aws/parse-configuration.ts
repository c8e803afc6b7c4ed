import { BROKER_CHECKS } from './broker-checks';
import { byService, count, flag, listOf, mapOf, object, optional, text, type Check, type Checks } from './checks';
import { ConfigurationError, parseJson } from './configuration-error';
import type { BrokerName } from '../contract/brokers';
import type { WorkflowConfiguration } from '../contract/configuration';
import { isObject } from '../machine/is-object';
import { TABLE_CHECKS } from './dynamodb/configuration';
import { cache } from './elasticache/configuration';
import { DEAD_LETTER_QUEUE_CHECKS, RECEIVED_QUEUE_CHECKS } from './sqs/configuration';

const table = byService({ dynamodb: object(TABLE_CHECKS) });

const CHECKS: Checks<WorkflowConfiguration> = {
  workflow: text,
  machines: optional(listOf(text)),
  region: optional(text),
  eventSource: byBroker('eventSource'),
  failoverEventSource: optional(byBroker('eventSource')),
  retryQueues: listOf(byBroker('retryQueue')),
  previousRetryQueues: optional(listOf(byBroker('retryQueue'))),
  lockTable: byService({ dynamodb: object(TABLE_CHECKS), elasticache: cache }),
  checkpointTable: table,
  failedInvocations: optional(object(RECEIVED_QUEUE_CHECKS)),
  deadLetterQueue: byService({ sqs: object(DEAD_LETTER_QUEUE_CHECKS) }),
  maxRunningExecutions: optional(mapOf(count)),
  ecsTasks: optional(flag),
  eagerCommit: optional(flag),
  logErrorMessages: optional(flag),
  putMetrics: optional(flag),
  tracing: optional(flag),
};

/**
 * Parses the JSON of a {@link WorkflowConfiguration}.
 *
 * @param json the configuration, or its members that are not in `rest`
 * @throws ConfigurationError that lists all problems
 */
export function parseConfiguration(json: string | undefined, rest = '{}'): WorkflowConfiguration {
  const value = parseJson(json);
  const whole = isObject(value) ? { ...value, ...Object(parseJson(rest)) } : value;
  const problems: string[] = [];
  object(CHECKS)(whole, '', problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  // CHECKS has a check for every member of the type.
  return whole as WorkflowConfiguration;
}

function byBroker(role: 'eventSource' | 'retryQueue'): Check {
  const checks = Object.entries(BROKER_CHECKS).map(([name, roles]) => [name, object(roles[role])]);
  // The entries are those of BROKER_CHECKS, which has one for every broker.
  return byService(Object.fromEntries(checks) as Record<BrokerName, Check>);
}
