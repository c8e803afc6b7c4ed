import { Duration, RemovalPolicy, aws_ec2 as ec2, aws_lambda as lambda, aws_logs as logs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { MetricName } from '../../../lambda/engine';
import { newStack, newWorkflow, synthesize } from '../../support/constructs';
import type { FsmWorkflow } from 'cdk-lambda-fsm';

describe('function', () => {
  test('has defaults', () => {
    synthesize().hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Architectures: ['arm64'],
      MemorySize: 512,
      RecursiveLoop: 'Allow',
      Timeout: 30,
      Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps' } },
    });
    synthesize().hasResource('AWS::Logs::LogGroup', {
      Properties: { RetentionInDays: 30 },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
  });

  test('has custom options', () => {
    const template = synthesize((stack) => ({
      architecture: lambda.Architecture.X86_64,
      memorySize: 2048,
      timeout: Duration.minutes(2),
      environment: { SHOP: 'tea', NODE_OPTIONS: '' },
      reservedConcurrentExecutions: 0,
      logRetention: logs.RetentionDays.ONE_DAY,
      removalPolicy: RemovalPolicy.DESTROY,
      vpc: new ec2.Vpc(stack, 'Network'),
    }));
    template.hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['x86_64'],
      MemorySize: 2048,
      Timeout: 120,
      Environment: { Variables: { SHOP: 'tea', NODE_OPTIONS: '' } },
      ReservedConcurrentExecutions: 0,
      VpcConfig: {},
    });
    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 1 }, DeletionPolicy: 'Delete' });
  });
});

describe('metrics', () => {
  /** Each method with the metric that it returns. */
  const METRICS: [(workflow: FsmWorkflow) => { metricName: string }, MetricName][] = [
    [(workflow) => workflow.metricTransitions(), 'Transition'],
    [(workflow) => workflow.metricCompleted(), 'Completed'],
    [(workflow) => workflow.metricFailed(), 'Fatal'],
    [(workflow) => workflow.metricErrors(), 'Error'],
    [(workflow) => workflow.metricRetries(), 'Retry'],
    [(workflow) => workflow.metricDuplicates(), 'Duplicate'],
    [(workflow) => workflow.metricFailovers(), 'Failover'],
    [(workflow) => workflow.metricDeadLetters(), 'DeadLetter'],
  ];

  test.each(METRICS)('%s', (metric, name) => {
    const workflow = newWorkflow(newStack(), { workflowName: 'orders' });
    expect(metric(workflow)).toMatchObject({
      namespace: 'CdkLambdaFsm',
      metricName: name,
      statistic: 'Sum',
      dimensions: { workflow: 'orders' },
    });
  });

  test('of one state, with another statistic', () => {
    const metric = newWorkflow(newStack(), { workflowName: 'orders' }).metricRetries({
      dimensionsMap: { machine: 'order', state: 'charging' },
      period: Duration.minutes(1),
      statistic: 'Average',
    });
    expect(metric).toMatchObject({
      statistic: 'Average',
      dimensions: { workflow: 'orders', machine: 'order', state: 'charging' },
    });
    expect(metric.period.toSeconds()).toBe(60);
  });

  test('of two workflows in a stack have different dimensions', () => {
    const stack = newStack();
    expect(newWorkflow(new Construct(stack, 'One')).workflowName).not.toBe(
      newWorkflow(new Construct(stack, 'Two')).workflowName,
    );
  });
});
