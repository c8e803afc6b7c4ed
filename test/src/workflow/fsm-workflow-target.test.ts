import { Duration, aws_events as events, aws_s3 as s3 } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { newStack, newWorkflow } from '../../support/constructs';
import { FsmWorkflowTarget, type FsmWorkflowTargetOptions } from 'cdk-lambda-fsm';

/** The input of the function: the paths into the event, and the template with their values. */
function input(options: Partial<FsmWorkflowTargetOptions> = {}) {
  const stack = newStack();
  const workflow = newWorkflow(stack);
  const bucket = new s3.Bucket(stack, 'Bucket', { eventBridgeEnabled: true });
  new events.Rule(stack, 'Uploads', {
    eventPattern: {
      source: ['aws.s3'],
      detailType: ['Object Created'],
      detail: { bucket: { name: [bucket.bucketName] } },
    },
    targets: [new FsmWorkflowTarget(workflow, { machine: 'order', ...options })],
  });
  const template = Template.fromStack(stack);
  const [rule] = Object.values(template.findResources('AWS::Events::Rule'));
  return { template, transformer: rule!.Properties.Targets[0].InputTransformer };
}

test('by default, the event provides the execution ID and the context', () => {
  const { template, transformer } = input();
  expect(transformer).toEqual({
    InputPathsMap: { id: '$.id', detail: '$.detail' },
    InputTemplate:
      '{"source":"cdk-lambda-fsm","detail-type":"start","detail":{"machine":"order","executionId":<id>,"context":<detail>}}',
  });
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Action: 'lambda:InvokeFunction',
    Principal: 'events.amazonaws.com',
    SourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Uploads'), 'Arn'] },
  });
  template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    DestinationConfig: {
      OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^OrdersFailedInvocations'), 'Arn'] } },
    },
  });
});

test('fields of the event provide the execution ID and the context', () => {
  const { transformer } = input({
    executionId: events.EventField.fromPath('$.detail.object.etag'),
    context: { key: events.EventField.fromPath('$.detail.object.key'), from: 's3', depth: 2 },
  });
  expect(transformer).toEqual({
    InputPathsMap: { 'detail-object-etag': '$.detail.object.etag', 'detail-object-key': '$.detail.object.key' },
    InputTemplate:
      '{"source":"cdk-lambda-fsm","detail-type":"start","detail":{"machine":"order","executionId":<detail-object-etag>,"context":{"key":<detail-object-key>,"from":"s3","depth":2}}}',
  });
});

test('a schedule starts executions', () => {
  const stack = newStack();
  new events.Rule(stack, 'Daily', {
    schedule: events.Schedule.rate(Duration.days(1)),
    targets: [new FsmWorkflowTarget(newWorkflow(stack), { machine: 'order', context: {} })],
  });
  Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
    Targets: [
      {
        InputTransformer: {
          InputTemplate:
            '{"source":"cdk-lambda-fsm","detail-type":"start","detail":{"machine":"order","executionId":<id>,"context":{}}}',
        },
      },
    ],
  });
});

test('rejects an unknown machine', () => {
  expect(() => input({ machine: 'ordr' })).toThrow('Invalid machine "ordr": the workflow has only "order".');
});

test('rejects an invalid execution ID', () => {
  expect(() => input({ machine: 'order', executionId: 'two words' })).toThrow(
    'Invalid executionId "two words": expected 1 to 128 printable ASCII characters without spaces',
  );
});

test.each([
  [[1], '[1]'],
  [null, 'null'],
  ['text', '"text"'],
])('rejects the context %j', (context, shown) => {
  // JavaScript callers can pass any value.
  expect(() => input({ context: context as never })).toThrow(`Invalid context ${shown}: expected an object`);
});
