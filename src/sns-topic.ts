import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { grantPublishTo } from './access';
import type { Binding, WorkflowParts, WorkflowPlan } from './binding';
import { keepFailedInvocations } from './failed-invocations';
import { checkPlace } from './given-resource';
import type { Problems } from './problems';

/** The SNS topic that carries the messages. */
export interface SnsOptions {
  /**
   * A standard topic that exists already, or that you configure yourself, in the Region of the workflow. What is published to it beside
   * the envelopes of the workflow becomes dead letters.
   *
   * @default - a new topic, encrypted, which refuses plain HTTP
   */
  readonly topic?: sns.ITopic;
}

export function checkSnsOptions(problems: Problems, { topic }: SnsOptions, { stack }: WorkflowPlan): void {
  if (!topic) return;
  if (topic.fifo || topic.topicArn.endsWith('.fifo')) {
    problems.add('a FIFO topic delivers to queues only, not to functions. Give a standard topic, or take EventSource.sqs({ fifo: true }).');
  }
  checkPlace(problems, 'topic', topic, stack, ['region']);
}

/** Provisions the topic if none is given, and lets it invoke the workflow's function. */
export function bindTopic(scope: Construct, options: SnsOptions, workflow: WorkflowParts): Binding {
  const topic = options.topic ?? createTopic(scope, workflow);
  const { function: fn, deadLetterQueue } = workflow;
  fn.addPermission(`${scope.node.id}Permission`, {
    principal: new iam.ServicePrincipal('sns.amazonaws.com'),
    sourceArn: topic.topicArn,
  });
  new sns.Subscription(scope, 'Subscription', {
    topic,
    protocol: sns.SubscriptionProtocol.LAMBDA,
    endpoint: fn.functionArn,
    // For what SNS cannot hand over to Lambda at all. It may send there as the queue's policy then says.
    deadLetterQueue,
  });
  grantKeyOfDeadLetterQueue(scope, workflow);
  keepFailedInvocations(fn, deadLetterQueue);
  return {
    transport: { service: 'sns', topic },
    configuration: { service: 'sns', topicArn: topic.topicArn },
    grantSend: (grantee) => grantPublishTo(topic, options.topic ? topic.masterKey : workflow.encryptionKey, grantee),
  };
}

function createTopic(scope: Construct, { encryptionKey }: WorkflowParts): sns.Topic {
  return new sns.Topic(scope, 'Topic', {
    // SNS encrypts with keys of KMS only. The account's own key for SNS may be used by whoever may publish.
    masterKey: encryptionKey ?? kms.Alias.fromAliasName(scope, 'Key', 'alias/aws/sns'),
    enforceSSL: true,
  });
}

/** SNS encrypts in its own name what it puts into the dead-letter queue. The topic is not named: it may itself depend on the key. */
function grantKeyOfDeadLetterQueue(scope: Construct, { deadLetterQueue }: WorkflowParts): void {
  deadLetterQueue.encryptionMasterKey?.addToResourcePolicy(new iam.PolicyStatement({
    principals: [new iam.ServicePrincipal('sns.amazonaws.com')],
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: ['*'],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  }));
}
