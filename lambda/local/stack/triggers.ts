import { BROKERS, type Resources } from './brokers';
import { BROKER_NAMES } from '../../contract/brokers';
import type { StartPoller } from '../brokers/shared/broker';
import type { Template } from '../template/template';
import type { TemplateValue } from '../template/template-value';

/** An event source mapping or a subscription of the template that invokes a function. */
export interface DeclaredTrigger {
  readonly logicalId: string;
  readonly functionId: string;
  readonly type: 'AWS::Lambda::EventSourceMapping' | 'AWS::SNS::Subscription';
}

/**
 * Returns the enabled event source mappings and subscriptions that invoke functions.
 *
 * @throws Error if one of them invokes anything but a function of the stack
 */
export function declaredTriggers(template: Template): DeclaredTrigger[] {
  const mappings = template
    .ofType('AWS::Lambda::EventSourceMapping')
    .filter((logicalId) => template.raw(logicalId).Enabled !== false)
    .map((logicalId): DeclaredTrigger => {
      const functionId = invokedFunction(
        template,
        `Event source mapping "${logicalId}"`,
        template.raw(logicalId).FunctionName,
      );
      return { logicalId, functionId, type: 'AWS::Lambda::EventSourceMapping' };
    });
  const subscriptions = template
    .ofType('AWS::SNS::Subscription')
    .filter((logicalId) => template.raw(logicalId).Protocol === 'lambda')
    .map((logicalId): DeclaredTrigger => {
      const functionId = invokedFunction(template, `Subscription "${logicalId}"`, template.raw(logicalId).Endpoint);
      return { logicalId, functionId, type: 'AWS::SNS::Subscription' };
    });
  return [...mappings, ...subscriptions];
}

/**
 * Reads a trigger with the broker of its event source.
 *
 * @throws Error if the trigger requires something that the local runner does not support
 */
export function readTrigger(
  template: Template,
  { logicalId, type }: DeclaredTrigger,
  resources: Resources,
): StartPoller {
  if (type === 'AWS::SNS::Subscription') {
    const topicArn = String(template.properties(logicalId, ['TopicArn']).TopicArn);
    return BROKERS.sns.readTrigger(template, {
      logicalId,
      sourceArn: topicArn,
      address: topicArn,
      queueUrls: resources.sqs,
    });
  }
  const sourceArn = String(template.properties(logicalId).EventSourceArn);
  for (const name of BROKER_NAMES) {
    const address = resources[name].get(sourceArn);
    if (address !== undefined) {
      return BROKERS[name].readTrigger(template, { logicalId, sourceArn, address, queueUrls: resources.sqs });
    }
  }
  throw new Error(
    `Event source mapping "${logicalId}" reads ${sourceArn}. ` +
      'The local runner supports the queues, the Kinesis streams and the streams of tables that the same stack creates.',
  );
}

function invokedFunction(template: Template, trigger: string, invoked: TemplateValue | undefined): string {
  const logicalId = template.referredBy(invoked);
  if (logicalId === undefined || template.typeOf(logicalId) !== 'AWS::Lambda::Function') {
    throw new Error(`${trigger} invokes ${JSON.stringify(invoked)}, expected a function of the same stack.`);
  }
  return logicalId;
}
