import { App, Duration, RemovalPolicy, Stack, aws_ec2 as ec2, aws_iam as iam, aws_kms as kms, aws_lambda as lambda } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ACTIONS, ENVIRONMENT, NEW_APP_CONTEXT, ORDER, OUTPUT, newStack, newWorkflow, permissions, refusal, withoutHash } from './support';
import { parseConfiguration } from '../../lambda/aws/parse-configuration';
import { CheckpointTable, FsmWorkflow, LockCache, LockTable, MachineDefinition, type LockCacheProps } from 'cdk-lambda-fsm';

const ZONES = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c', 'eu-west-1d'];

function network(scope: Stack, zones = 3, id = 'Network'): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, id, {
    vpcId: 'vpc-1', availabilityZones: ZONES.slice(0, zones), privateSubnetIds: ZONES.slice(0, zones).map((zone) => `subnet-${zone}`),
  });
}

function deploy(more: Partial<LockCacheProps> = {}) {
  const stack = newStack();
  const vpc = network(stack);
  const lockCache = new LockCache(stack, 'Locks', { vpc, ...more });
  const workflow = newWorkflow(stack, { vpc, lockCache });
  return { stack, vpc, lockCache, workflow, template: () => Template.fromStack(stack) };
}

/** The only resource of a type. */
function only(template: Template, type: string) {
  const resources = Object.values(template.findResources(type));
  expect(resources).toHaveLength(1);
  return resources[0]!;
}

test('the cache is one of Valkey in the network, and IAM alone lets anybody in', () => {
  const template = deploy().template();
  const { Properties: cache } = only(template, 'AWS::ElastiCache::ServerlessCache');
  expect(cache).toMatchObject({
    Engine: 'valkey',
    SubnetIds: ['subnet-eu-west-1a', 'subnet-eu-west-1b', 'subnet-eu-west-1c'],
    UserGroupId: { Ref: expect.stringMatching(/^LocksUserGroup/) },
  });
  expect(cache.ServerlessCacheName).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  expect(cache.ServerlessCacheName.length).toBeLessThanOrEqual(40);
  const { Properties: user } = only(template, 'AWS::ElastiCache::User');
  expect(user).toMatchObject({ Engine: 'valkey', AuthenticationMode: { Type: 'iam' }, UserId: user.UserName });
  expect(user).not.toHaveProperty('Passwords');
  expect(user.AccessString).toMatch(/^on ~lock:\* -@all /);
  const { Properties: group } = only(template, 'AWS::ElastiCache::UserGroup');
  expect(group).toMatchObject({ Engine: 'valkey', UserIds: [{ Ref: expect.stringMatching(/^LocksUser/) }] });
  expect(group.UserGroupId.length).toBeLessThanOrEqual(40);
});

test('names of a deep construct fit', () => {
  const stack = new Stack(new App({ outdir: OUTPUT }), `Very${'Long'.repeat(20)}`, ENVIRONMENT);
  const { cacheName } = new LockCache(stack, 'TheLocks--OfAllOrders', { vpc: network(stack) });
  expect(cacheName).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  expect(`${cacheName}-users`.length).toBeLessThanOrEqual(40);
});

test('the workflow needs no lock table, and may connect to the cache and nothing else of ElastiCache', () => {
  const { workflow, lockCache, template } = deploy();
  expect(workflow.lockTable).toBeUndefined();
  expect(workflow.lockCache).toBe(lockCache);
  const tables = Object.keys(template().findResources('AWS::DynamoDB::Table')).map(withoutHash);
  expect(tables).toEqual(['OrdersCheckpointTable']);
  const allowed = Object.entries(permissions(template(), 'OrdersRole')).filter(([, actions]) => actions.some((action) => action.startsWith('elasticache:')));
  expect(allowed.map(([resource, actions]) => [resource.replace(/^Locks(Cache|User).*\./, 'Locks$1.'), actions])).toEqual([
    ['LocksCache.ARN', ['elasticache:Connect']],
    ['LocksUser.Arn', ['elasticache:Connect']],
  ]);
});

test('a table takes over from the cache, and whoever may change locks may change those in it, too', () => {
  const { stack, vpc, lockCache } = deploy();
  const failoverLockTable = new LockTable(stack, 'Failover');
  const workflow = new FsmWorkflow(stack, 'Safe', {
    ...{ machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS, timeout: Duration.seconds(90) },
    ...{ vpc, lockCache, failoverLockTable },
  });
  const [reader, writer] = ['Reader', 'Writer'].map((id) => new iam.User(stack, id));
  workflow.grantDescribe(reader!);
  workflow.grantCancel(writer!);
  expect(workflow.failoverLockTable).toBe(failoverLockTable);
  const template = Template.fromStack(stack);
  const ofTable = (policy: string) => permissions(template, policy)['FailoverTable.Arn'];
  expect(ofTable('SafeRole')).toEqual(['dynamodb:GetItem', 'dynamodb:PartiQLInsert', 'dynamodb:PartiQLUpdate', 'dynamodb:UpdateItem']);
  expect(ofTable('ReaderDefaultPolicy')).toEqual(['dynamodb:GetItem']);
  expect(ofTable('WriterDefaultPolicy')).toEqual(['dynamodb:GetItem', 'dynamodb:UpdateItem']);
  expect(JSON.stringify(stack.resolve(workflow.clientConfiguration))).toMatch(/failoverLockTable.*retentionDays.*functionTimeoutSeconds[^\d]+90/);
});

test('the function reaches the port of the cache, and nobody else does', () => {
  const template = deploy().template();
  const { Properties: ingress } = only(template, 'AWS::EC2::SecurityGroupIngress');
  expect(ingress).toMatchObject({
    IpProtocol: 'tcp',
    FromPort: 6379,
    ToPort: 6379,
    GroupId: { 'Fn::GetAtt': [expect.stringMatching(/^LocksSecurityGroup/), 'GroupId'] },
    SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFunctionSecurityGroup/), 'GroupId'] },
  });
  const groups = template.findResources('AWS::EC2::SecurityGroup', { Properties: { SecurityGroupIngress: Match.anyValue() } });
  expect(groups).toEqual({});
});

test('the runtime understands what the construct tells it', () => {
  const { lockCache, template } = deploy({ retention: Duration.days(90) });
  const { Properties } = only(template(), 'AWS::Lambda::Function');
  const { 'Fn::Join': [, parts] } = Properties.Environment.Variables.FSM_WORKFLOW;
  const values: Record<string, string> = { 'Endpoint.Address': 'locks.cache.amazonaws.com', 'Endpoint.Port': '6379' };
  const text = parts.map((part: string | { 'Fn::GetAtt'?: [string, string] }) => {
    return typeof part === 'string' ? part : values[part['Fn::GetAtt']?.[1] ?? ''] ?? 'https://aws/name';
  }).join('');
  expect(parseConfiguration(text).lockTable).toEqual({
    service: 'elasticache',
    endpoint: 'locks.cache.amazonaws.com:6379',
    cacheName: lockCache.cacheName,
    userName: lockCache.userName,
    region: 'eu-west-1',
    retentionDays: 90,
  });
});

test('clients may connect where they read locks, and only there', () => {
  const { stack, workflow, template } = deploy();
  const role = (id: string) => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() });
  workflow.grantStart(role('Starter'));
  workflow.grantSend(role('Sender'));
  workflow.grantDescribe(role('Watcher'));
  workflow.grantRedrive(role('Mender'));
  const connects = (policy: string) => Object.values(permissions(template(), policy)).flat().includes('elasticache:Connect');
  expect(['Starter', 'Sender', 'Watcher', 'Mender'].map(connects)).toEqual([false, true, true, true]);
});

test('a client in the network is let in', () => {
  const { stack, vpc, lockCache, template } = deploy();
  const shop = new lambda.Function(stack, 'Shop', {
    vpc, runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline('exports.handler = async () => {};'),
  });
  shop.connections.allowToDefaultPort(lockCache);
  template().resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
});

test('the cache stays when the stack goes, with what it is used by, unless told otherwise', () => {
  const policies = (template: Template) => ['ElastiCache::ServerlessCache', 'ElastiCache::User', 'ElastiCache::UserGroup', 'EC2::SecurityGroup']
    .flatMap((type) => Object.entries(template.findResources(`AWS::${type}`)))
    .filter(([id]) => id.startsWith('Locks'))
    .map(([, { DeletionPolicy }]) => DeletionPolicy);
  expect(policies(deploy().template())).toEqual(['Retain', 'Retain', 'Retain', 'Retain']);
  expect(policies(deploy({ removalPolicy: RemovalPolicy.DESTROY }).template())).toEqual(['Delete', 'Delete', 'Delete', 'Delete']);
});

test('a key of one\'s own encrypts the cache', () => {
  const stack = newStack();
  const encryptionKey = new kms.Key(stack, 'Key');
  new LockCache(stack, 'Locks', { vpc: network(stack), encryptionKey });
  expect(only(Template.fromStack(stack), 'AWS::ElastiCache::ServerlessCache').Properties.KmsKeyId).toEqual({
    'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'],
  });
});

test('a cache in another stack serves a workflow', () => {
  const app = new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
  const shared = new Stack(app, 'Shared', ENVIRONMENT);
  const lockCache = new LockCache(shared, 'Locks', { vpc: network(shared) });
  const stack = new Stack(app, 'Stack', ENVIRONMENT);
  new FsmWorkflow(stack, 'Orders', {
    machines: [MachineDefinition.fromObject({ name: 'm', initial: 'a', states: { a: { final: true } } })],
    actions: `${__dirname}/actions/order.actions.ts`,
    vpc: network(stack),
    lockCache,
  });
  Template.fromStack(shared).resourceCountIs('AWS::ElastiCache::ServerlessCache', 1);
  Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
});

test.each<[string, (stack: Stack) => Partial<LockCacheProps>, RegExp]>([
  ['a short memory', () => ({ retention: Duration.days(14) }), /retention must be whole days from 15 to 3650.*but is 14 days/],
  ['one zone', (stack) => ({ vpc: network(stack, 1, 'Small') }), /vpcSubnets must be two or three subnets, each in another Availability Zone .*but are 1 in 1/],
  ['four zones', (stack) => ({ vpc: network(stack, 4, 'Large') }), /vpcSubnets must be two or three .*but are 4 in 4.*slice\(0, 3\)/],
  ['a short memory in one zone', (stack) => ({ vpc: network(stack, 1, 'Small'), retention: Duration.hours(1) }), /2 problems:\n {2}- retention .*\n {2}- vpcSubnets/],
])('%s is refused', (_, props, message) => {
  const stack = newStack();
  expect(() => new LockCache(stack, 'Locks', { vpc: network(stack), ...props(stack) })).toThrow(message);
});

test.each<[string, (stack: Stack) => Partial<Parameters<typeof newWorkflow>[1] & object>, RegExp]>([
  ['no network', (stack) => ({ lockCache: new LockCache(stack, 'Locks', { vpc: network(stack) }) }), /lockCache: the cache "Stack\/Locks" is in a network that the function is not in\. Give the workflow's vpc/],
  ['a lock table, too', (stack) => {
    const vpc = network(stack);
    return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }), lockTable: new LockTable(stack, 'Table') };
  }, /lockCache and lockTable are both given.*Leave one of them out/],
  ['a failover table that is that of the journal', (stack) => {
    const vpc = network(stack);
    const { table } = new LockTable(stack, 'Table');
    return {
      ...{ vpc, lockCache: new LockCache(stack, 'Locks', { vpc }) },
      ...{ failoverLockTable: LockTable.fromTable(table), checkpointTable: CheckpointTable.fromTable(table) },
    };
  }, /failoverLockTable and checkpointTable are one table/],
])('a workflow with a cache and %s is refused', (_, props, message) => {
  expect(refusal(props)).toMatch(message);
});

test('a failover table without a cache is refused', () => {
  expect(refusal((stack) => ({ failoverLockTable: new LockTable(stack, 'Table') }))).toMatch(/failoverLockTable takes over from a lockCache, and there is none\./);
});
