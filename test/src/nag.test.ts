import { App, Aspects, Stack, aws_ec2 as ec2, aws_ecs as ecs, aws_kms as kms, aws_lambda as lambda } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { addOrderStacks } from '../../examples/order/order-stack';
import { ENVIRONMENT, NEW_APP_CONTEXT, OUTPUT, newWorkflow } from '../support/constructs';
import {
  EventSource,
  LockCache,
  MetricDelivery,
  RetryQueue,
  type FsmWorkflow,
  type FsmWorkflowProps,
} from 'cdk-lambda-fsm';

/** A finding that does not apply to one resource of a workflow. A listed finding that no longer occurs fails the test. */
interface FalsePositive {
  /** The path of the resource below the workflow. */
  readonly resource: string;
  /** The rule, with its finding if it has several. */
  readonly rule: string;
  readonly reason: string;
}

interface Case {
  readonly props: (stack: Stack) => Partial<FsmWorkflowProps>;
  readonly add?: (workflow: FsmWorkflow, stack: Stack) => void;
  readonly falsePositives?: readonly FalsePositive[];
}

function network(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
}

const CASES: Record<string, Case> = {
  'Amazon SQS': { props: () => ({}) },
  'a FIFO queue': { props: () => ({ eventSource: EventSource.sqs({ fifo: true }) }) },
  DynamoDB: {
    props: () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }),
  },
  Kinesis: {
    props: () => ({ eventSource: EventSource.kinesis(), retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }) }),
  },
  SNS: {
    props: () => ({ eventSource: EventSource.sns(), retryQueue: RetryQueue.sns({ ignoreBackoff: true }) }),
  },
  'a failover for everything': {
    props: () => ({
      eventSource: EventSource.sqs(),
      failoverEventSource: EventSource.dynamoDb(),
      retryQueue: RetryQueue.dynamoDb(),
      failoverRetryQueue: RetryQueue.sqs(),
    }),
  },
  'a customer managed key': {
    props: (stack) => ({
      encryptionKey: new kms.Key(stack, 'Key', { enableKeyRotation: true }),
      eventSource: EventSource.sns(),
      failoverEventSource: EventSource.kinesis(),
    }),
    falsePositives: [
      {
        resource: 'EventSourceKinesis/Stream/Resource',
        rule: 'AwsSolutions-KDS3',
        reason:
          'The stream is encrypted with a customer managed key, whose policy the user controls. The rule recommends the AWS managed key for its price.',
      },
    ],
  },
  'a VPC and a lock cache': {
    props: (stack) => {
      const vpc = network(stack);
      return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) };
    },
    falsePositives: [
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'Lambda creates and names the network interfaces of the function, so a policy cannot list them.',
      },
    ],
  },
  'metrics by requests and tracing': {
    props: () => ({ metricDelivery: MetricDelivery.PUT_METRIC_DATA, tracing: lambda.Tracing.ACTIVE }),
    falsePositives: [
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::*]',
        reason:
          'CloudWatch and X-Ray support no resource-level permissions for these actions. A condition restricts PutMetricData to the namespace.',
      },
    ],
  },
  'an Amazon ECS task': {
    props: () => ({}),
    add: (workflow, stack) => {
      const cluster = new ecs.Cluster(stack, 'Cluster', {
        vpc: network(stack),
        containerInsightsV2: ecs.ContainerInsights.ENABLED,
      });
      const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task');
      const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox');
      taskDefinition.addContainer('charger', { image, logging: ecs.LogDriver.awsLogs({ streamPrefix: 'charger' }) });
      workflow.addEcsTask('charge', { cluster, taskDefinition, onSuccess: 'charged', onFailure: 'charged' });
    },
    falsePositives: [
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:eu-west-1:123456789012:task/<ClusterEB0386A7>/*]',
        reason:
          'Amazon ECS names the tasks. Conditions restrict the policy to the tasks of this action in the cluster.',
      },
      {
        resource: 'Role/DefaultPolicy/Resource',
        rule: 'AwsSolutions-IAM5[Resource::*]',
        reason:
          'ListTasks supports no resource-level permissions for a cluster. A condition restricts it to the cluster.',
      },
    ],
  },
};

/** The findings of the AWS Solutions rules: the path of the resource and the rule. */
function findingsOf(stack: Stack): string[] {
  Aspects.of(stack).add(new AwsSolutionsChecks());
  const annotations = Annotations.fromStack(stack);
  // A rule that cannot evaluate a resource reports a finding of CdkNag.
  const ofRules = Match.stringLikeRegexp('^(AwsSolutions|CdkNag)');
  return [...annotations.findError('*', ofRules), ...annotations.findWarning('*', ofRules)].map(
    ({ id, entry }) => `${id}: ${/^[^:[]+(\[.+?\])?(?=:)/.exec(String(entry.data))?.[0]}`,
  );
}

function newApp(): App {
  return new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
}

test.each(Object.entries(CASES))('%s', (_, { props, add, falsePositives = [] }) => {
  const stack = new Stack(newApp(), 'Stack', ENVIRONMENT);
  const workflow = newWorkflow(stack, props(stack));
  add?.(workflow, stack);
  expect(findingsOf(stack)).toEqual(falsePositives.map(({ resource, rule }) => `/Stack/Orders/${resource}: ${rule}`));
});

test('the order example', () => {
  const app = newApp();
  addOrderStacks(app);
  const stacks = app.node.children.filter((child) => child instanceof Stack);
  expect(stacks.flatMap(findingsOf)).toEqual([]);
});

test('a queue that allows plain HTTP is found', () => {
  const stack = new Stack(newApp(), 'Stack', ENVIRONMENT);
  newWorkflow(stack).deadLetterQueue.node.tryRemoveChild('Policy');
  expect(findingsOf(stack)).toEqual(['/Stack/Orders/DeadLetterQueue/Resource: AwsSolutions-SQS4']);
});
