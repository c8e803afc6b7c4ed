import {
  Duration,
  RemovalPolicy,
  aws_apigatewayv2 as apigateway,
  aws_apigatewayv2_integrations as integrations,
  aws_dynamodb as dynamodb,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_events as events,
  aws_kinesis as kinesis,
  aws_kms as kms,
  aws_lambda as lambda,
  aws_s3 as s3,
  aws_secretsmanager as secretsmanager,
  aws_sns as sns,
  aws_sqs as sqs,
  type Stack,
} from 'aws-cdk-lib';
import {
  CacheAuthentication,
  CheckpointTable,
  EventSource,
  FsmWorkflowTarget,
  LockCache,
  LockTable,
  MetricDelivery,
  RetryQueue,
  type FsmWorkflow,
  type FsmWorkflowProps,
} from 'cdk-lambda-fsm';

const ACCOUNT = 'eu-west-1:123456789012';

function network(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'],
    privateSubnetRouteTableIds: ['rtb-0a1b2c3d4e5f60718', 'rtb-1a1b2c3d4e5f60718'],
  });
}

/** Workflows that together use every option that adds a resource. */
export const COMBINATIONS: Record<string, (stack: Stack) => Partial<FsmWorkflowProps>> = {
  queues: () => ({}),
  'DynamoDB only': () => ({ eventSource: EventSource.dynamoDb(), retryQueue: RetryQueue.dynamoDb() }),
  'a FIFO queue with DynamoDB as failover': () => ({
    eventSource: EventSource.sqs({ fifo: true }),
    failoverEventSource: EventSource.dynamoDb(),
    retryQueue: RetryQueue.dynamoDb(),
    failoverRetryQueue: RetryQueue.sqs(),
    removalPolicy: RemovalPolicy.DESTROY,
    eagerCommit: true,
    logErrorMessages: true,
  }),
  'a customer managed key': (stack) => ({
    encryptionKey: new kms.Key(stack, 'Key'),
    failoverEventSource: EventSource.dynamoDb(),
  }),
  'all resources existing': (stack) => {
    const tableArn = (name: string) => `arn:aws:dynamodb:${ACCOUNT}:table/${name}`;
    const queue = (name: string) => sqs.Queue.fromQueueArn(stack, name, `arn:aws:sqs:${ACCOUNT}:${name}`);
    return {
      workflowName: 'orders',
      eventSource: EventSource.sqs({ queue: queue('events'), batchSize: 100, maxBatchingWindow: Duration.seconds(1) }),
      failoverEventSource: EventSource.dynamoDb({ retryAttempts: 50 }),
      retryQueue: RetryQueue.sqs({ queue: queue('retries') }),
      failoverRetryQueue: RetryQueue.dynamoDb({
        table: dynamodb.Table.fromTableArn(stack, 'Retries', tableArn('retries')),
      }),
      lockTable: LockTable.fromTable(dynamodb.Table.fromTableArn(stack, 'Locks', tableArn('locks'))),
      checkpointTable: CheckpointTable.fromTable(
        dynamodb.Table.fromTableAttributes(stack, 'Checkpoints', {
          tableArn: tableArn('checkpoints'),
          tableStreamArn: `${tableArn('checkpoints')}/stream/1`,
        }),
      ),
      deadLetterQueue: queue('dead-letters'),
    };
  },
  'a lock cache': (stack) => {
    const vpc = network(stack);
    return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) };
  },
  'a stream with a topic as failover': () => ({
    eventSource: EventSource.kinesis({ shardCount: 2 }),
    failoverEventSource: EventSource.sns(),
    retryQueue: RetryQueue.kinesis({ ignoreBackoff: true }),
    failoverRetryQueue: RetryQueue.sns({ ignoreBackoff: true }),
    removalPolicy: RemovalPolicy.DESTROY,
  }),
  'a topic with an enhanced fan-out stream as failover, and a customer managed key': (stack) => ({
    encryptionKey: new kms.Key(stack, 'Key'),
    eventSource: EventSource.sns(),
    failoverEventSource: EventSource.kinesis({ enhancedFanOut: true }),
  }),
  'an existing stream and an existing topic': (stack) => ({
    eventSource: EventSource.kinesis({
      stream: kinesis.Stream.fromStreamArn(stack, 'events', `arn:aws:kinesis:${ACCOUNT}:stream/events`),
    }),
    failoverEventSource: EventSource.sns({
      topic: sns.Topic.fromTopicArn(stack, 'failover', `arn:aws:sns:${ACCOUNT}:failover`),
    }),
  }),
  'an existing lock cache with a password': (stack) => ({
    vpc: network(stack),
    lockCache: LockCache.fromCacheAttributes(stack, 'Locks', {
      endpoint: 'master.locks.abc.euw1.cache.amazonaws.com:6379',
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'CacheGroup', 'sg-0a1b2c3d4e5f60718')],
      authentication: CacheAuthentication.password({ secret: new secretsmanager.Secret(stack, 'Password') }),
    }),
  }),
  'tracing and metrics by requests': () => ({
    tracing: lambda.Tracing.ACTIVE,
    metricDelivery: MetricDelivery.PUT_METRIC_DATA,
  }),
};

/** Additions to a workflow with default properties. */
export const ADDITIONS: Record<string, (workflow: FsmWorkflow, stack: Stack) => void> = {
  'an Amazon ECS task': (workflow, stack) => {
    const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task');
    taskDefinition.addContainer('charger', {
      image: ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox'),
    });
    workflow.addEcsTask('charge', {
      cluster: new ecs.Cluster(stack, 'Cluster', { vpc: network(stack) }),
      taskDefinition,
      onSuccess: 'charged',
      onFailure: 'charged',
    });
  },
  'starts by S3, a schedule and API routes': (workflow, stack) => {
    const bucket = new s3.Bucket(stack, 'Bucket', { eventBridgeEnabled: true });
    new events.Rule(stack, 'Uploads', {
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucket.bucketName] } },
      },
      targets: [
        new FsmWorkflowTarget(workflow, {
          machine: 'order',
          executionId: events.EventField.fromPath('$.detail.object.etag'),
        }),
      ],
    });
    new events.Rule(stack, 'Daily', {
      schedule: events.Schedule.rate(Duration.days(1)),
      targets: [new FsmWorkflowTarget(workflow, { machine: 'order', context: {} })],
    });
    const starter = new lambda.Function(stack, 'Starter', {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => {};'),
      environment: { FSM_WORKFLOW: workflow.clientConfiguration },
    });
    workflow.grantStart(starter);
    const api = new apigateway.HttpApi(stack, 'Api');
    api.addRoutes({
      path: '/checked',
      methods: [apigateway.HttpMethod.POST],
      integration: new integrations.HttpLambdaIntegration('Start', starter),
    });
    const bus = new events.EventBus(stack, 'Requests');
    api.addRoutes({
      path: '/orders',
      methods: [apigateway.HttpMethod.POST],
      integration: new integrations.HttpEventBridgeIntegration('Put', {
        eventBusRef: bus.eventBusRef,
        parameterMapping: new apigateway.ParameterMapping()
          .custom('Source', 'orders')
          .custom('DetailType', 'start')
          .custom('Detail', '$request.body'),
      }),
    });
    new events.Rule(stack, 'Requested', {
      eventBus: bus,
      eventPattern: { source: ['orders'] },
      targets: [new FsmWorkflowTarget(workflow, { machine: 'order' })],
    });
  },
};
