import { App, Aspects, Stack, aws_ec2 as ec2, aws_ecs as ecs, aws_kms as kms, aws_lambda as lambda } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { ENVIRONMENT, NEW_APP_CONTEXT, OUTPUT, newWorkflow } from './support';
import { addOrderStacks, ON_DYNAMODB } from '../../examples/order/order-stack';
import { EventSource, LockCache, MetricDelivery, RetryQueue, type FsmWorkflow, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/** A finding that is wrong for this one resource of a workflow, and why. One that is not found any more fails the test, too. */
interface Wrong {
  /** The resource, below the workflow. */
  readonly resource: string;
  /** The rule, and where it finds several things the one that is meant. */
  readonly rule: string;
  readonly reason: string;
}

interface Case {
  readonly props: (stack: Stack) => Partial<FsmWorkflowProps>;
  readonly add?: (workflow: FsmWorkflow, stack: Stack) => void;
  readonly wrong?: readonly Wrong[];
}

const IS_DEAD_LETTER_QUEUE: Wrong = {
  resource: 'DeadLetterQueue/Resource',
  rule: 'AwsSolutions-SQS3',
  reason: 'It is the dead-letter queue: the function puts dead letters into it, and the event source mappings what they give up. The rule knows only those of queues.',
};

function network(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-1', availabilityZones: ['eu-west-1a', 'eu-west-1b'], privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
}

const CASES: Record<string, Case> = {
  'Amazon SQS': { props: () => ({}) },
  'a FIFO queue': { props: () => ({ eventSource: EventSource.sqs({ fifo: true }) }) },
  'DynamoDB': { props: () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }), wrong: [IS_DEAD_LETTER_QUEUE] },
  'Kinesis': {
    props: () => ({ eventSource: EventSource.kinesis(), retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }) }),
    wrong: [IS_DEAD_LETTER_QUEUE],
  },
  'SNS': {
    props: () => ({ eventSource: EventSource.sns(), retryQueue: RetryQueue.sns({ ignoreBackoff: true }) }),
    wrong: [IS_DEAD_LETTER_QUEUE],
  },
  'a failover for everything': {
    props: () => ({
      eventSource: EventSource.sqs(),
      failoverEventSource: EventSource.dynamoDb(),
      retryQueue: RetryQueue.dynamoDb(),
      failoverRetryQueue: RetryQueue.sqs(),
    }),
  },
  'a key of one\'s own': {
    props: (stack) => ({
      encryptionKey: new kms.Key(stack, 'Key', { enableKeyRotation: true }),
      eventSource: EventSource.sns(),
      failoverEventSource: EventSource.kinesis(),
    }),
    wrong: [{
      resource: 'FailoverEventSource/Stream/Resource',
      rule: 'AwsSolutions-KDS3',
      reason: 'The user has given a key of his own, which is stronger than that of AWS: its policy is in his hands. The rule saves the price of keys.',
    }],
  },
  'a network, and locks in a cache': {
    props: (stack) => {
      const vpc = network(stack);
      return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) };
    },
    wrong: [{
      resource: 'Role/DefaultPolicy/Resource',
      rule: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'The network interfaces by which Lambda connects the function to the network are made and named by Lambda: IAM cannot narrow them down.',
    }],
  },
  'metrics by requests, and traces': {
    props: () => ({ metricDelivery: MetricDelivery.PUT_METRIC_DATA, tracing: lambda.Tracing.ACTIVE }),
    wrong: [{
      resource: 'Role/DefaultPolicy/Resource',
      rule: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'CloudWatch and X-Ray know no resources here. What may be put into CloudWatch is narrowed down to the namespace.',
    }],
  },
  'a task on Amazon ECS': {
    props: () => ({}),
    add: (workflow, stack) => {
      const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: network(stack), containerInsightsV2: ecs.ContainerInsights.ENABLED });
      const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task');
      const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox');
      taskDefinition.addContainer('charger', { image, logging: ecs.LogDriver.awsLogs({ streamPrefix: 'charger' }) });
      workflow.addEcsTask('charge', { cluster, taskDefinition, onSuccess: 'charged', onFailure: 'charged' });
    },
    wrong: [
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'To list the tasks of a cluster is no right on a resource that IAM could name. The condition narrows it down to the cluster.',
      },
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:eu-west-1:123456789012:task/<ClusterEB0386A7>/*]',
        reason: 'Amazon ECS names the tasks. They are those of the cluster.',
      },
    ],
  },
};

/** What AWS's own advice finds wrong with the stack: the resource, and the rule. */
function findingsOf(stack: Stack): string[] {
  Aspects.of(stack).add(new AwsSolutionsChecks());
  const annotations = Annotations.fromStack(stack);
  // A rule that cannot judge a resource says so under another name.
  const ofTheRules = Match.stringLikeRegexp('^(AwsSolutions|CdkNag)');
  return [...annotations.findError('*', ofTheRules), ...annotations.findWarning('*', ofTheRules)]
    .map(({ id, entry }) => `${id}: ${/^[^:[]+(\[.+?\])?(?=:)/.exec(String(entry.data))?.[0]}`);
}

function newApp(): App {
  return new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
}

test.each(Object.entries(CASES))('%s', (_, { props, add, wrong = [] }) => {
  const stack = new Stack(newApp(), 'Stack', ENVIRONMENT);
  const workflow = newWorkflow(stack, props(stack));
  add?.(workflow, stack);
  expect(findingsOf(stack)).toEqual(wrong.map(({ resource, rule }) => `/Stack/Orders/${resource}: ${rule}`));
});

test('the example of an order', () => {
  const app = newApp();
  addOrderStacks(app);
  const stacks = app.node.children.filter((child) => child instanceof Stack);
  expect(stacks.flatMap(findingsOf)).toEqual([`/${ON_DYNAMODB}/Orders/${IS_DEAD_LETTER_QUEUE.resource}: ${IS_DEAD_LETTER_QUEUE.rule}`]);
});

test('a queue that takes plain HTTP would be found', () => {
  const stack = new Stack(newApp(), 'Stack', ENVIRONMENT);
  newWorkflow(stack).deadLetterQueue.node.tryRemoveChild('Policy');
  expect(findingsOf(stack)).toEqual(['/Stack/Orders/DeadLetterQueue/Resource: AwsSolutions-SQS4']);
});
