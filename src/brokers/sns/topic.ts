import { PhysicalName, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { EventSourceConfiguration, RetryQueueConfiguration } from '#contract';
import { checkExisting } from '../../shared/existing-resource';
import { grantPublishTo } from '../../shared/grants';
import type { ValidationErrors } from '../../shared/validation-errors';
import { checkTypes, TOPIC, type TypesOf } from '../../shared/value-types';
import type { Broker, BrokerConfig, ValidationContext, WorkflowParts } from '../broker';
import { resourceIdOf } from '../broker-scope';

/** The SNS topic that carries the envelopes. */
export interface SnsOptions {
  /**
   * An existing standard topic in the Region of the workflow. Messages that are not envelopes of the workflow are sent to the dead-letter
   * queue.
   *
   * @default - a new encrypted topic that denies plain HTTP
   */
  readonly topic?: sns.ITopic;
}

const TYPES: TypesOf<SnsOptions> = { topic: TOPIC };

/** The runtime finds the topic in the same way for both. */
type TopicConfiguration = EventSourceConfiguration<'sns'> & RetryQueueConfiguration<'sns'>;

/** The event source and the retry queue on SNS: both publish to a topic, which invokes the function. */
export abstract class SnsBroker<Options extends SnsOptions> implements Broker<TopicConfiguration> {
  constructor(protected readonly options: Options) {}

  public identity(): unknown {
    return this.options.topic?.topicArn ?? this;
  }

  public resourceId(): string {
    return resourceIdOf('Sns', this.options.topic);
  }

  public check(errors: ValidationErrors, { stack }: ValidationContext): void {
    const { topic } = checkTypes<SnsOptions>(errors, this.options, TYPES);
    if (!topic) return;
    if (topic.fifo || topic.topicArn.endsWith('.fifo')) {
      errors.add(
        'A FIFO topic cannot invoke a Lambda function. Use a standard topic, or EventSource.sqs({ fifo: true }).',
      );
    }
    checkExisting(errors, 'topic', topic, topic.topicArn, stack, ['region']);
  }

  public bind(scope: Construct, workflow: WorkflowParts): BrokerConfig<TopicConfiguration> {
    const { topic: existingTopic } = this.options;
    const topic = existingTopic ?? createTopic(scope, workflow);
    const { function: fn, deadLetterQueue } = workflow;
    fn.addPermission(`${scope.node.id}Permission`, {
      principal: new iam.ServicePrincipal('sns.amazonaws.com'),
      sourceArn: topic.topicArn,
    });
    new sns.CfnSubscription(scope, 'Subscription', {
      topicArn: topic.topicArn,
      protocol: sns.SubscriptionProtocol.LAMBDA,
      endpoint: fn.functionArn,
      // For messages that SNS cannot deliver to Lambda.
      redrivePolicy: { deadLetterTargetArn: deadLetterQueue.queueArn },
    });
    allowDeadLetters(topic, scope, deadLetterQueue);
    grantKeyOfDeadLetterQueue(scope, workflow);
    workflow.failedInvocations.receiveAsynchronous();
    return configOf(topic, existingTopic ? existingTopic.masterKey : workflow.encryptionKey);
  }

  public attach(errors: ValidationErrors): BrokerConfig<TopicConfiguration> | undefined {
    const { topic } = checkTypes<SnsOptions>(errors, this.options, TYPES);
    return topic && configOf(topic, topic.masterKey);
  }
}

function configOf(topic: sns.ITopic, key: kms.IKey | undefined): BrokerConfig<TopicConfiguration> {
  return {
    resource: { service: 'sns', topic },
    configuration: { service: 'sns', topicArn: topic.topicArn },
    grantSend: (grantee) => grantPublishTo(topic, key, grantee),
  };
}

function createTopic(scope: Construct, { encryptionKey }: WorkflowParts): sns.Topic {
  return new sns.Topic(scope, 'Topic', {
    topicName: PhysicalName.GENERATE_IF_NEEDED,
    // SNS supports KMS keys only. Every identity of the account that may publish may use the AWS managed key.
    masterKey: encryptionKey ?? kms.Alias.fromAliasName(scope, 'Key', 'alias/aws/sns'),
    enforceSSL: true,
  });
}

/**
 * Lets SNS send messages to the dead-letter queue. The statement of a queue in another stack does not name the topic: the stacks would depend
 * on each other.
 */
function allowDeadLetters(topic: sns.ITopic, scope: Construct, queue: sqs.IQueue): void {
  const { partition, region, account } = Stack.of(scope);
  const isNear = Stack.of(queue) === Stack.of(scope);
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('sns.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: isNear
        ? { ArnEquals: { 'aws:SourceArn': topic.topicArn } }
        : { ArnLike: { 'aws:SourceArn': `arn:${partition}:sns:${region}:${account}:*` } },
    }),
  );
}

/**
 * Lets SNS encrypt the messages that it sends to the dead-letter queue. The statement does not name the topic: the topic may depend on the
 * same key, and CloudFormation rejects circular dependencies.
 */
function grantKeyOfDeadLetterQueue(scope: Construct, { deadLetterQueue }: WorkflowParts): void {
  deadLetterQueue.encryptionMasterKey?.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('sns.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
}
