import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  App,
  Duration,
  RemovalPolicy,
  Stack,
  aws_ec2 as ec2,
  aws_iam as iam,
  aws_kms as kms,
  aws_lambda as lambda,
} from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as leaseScripts from '../../../lambda/aws/elasticache/lease-scripts';
import * as runningScripts from '../../../lambda/aws/elasticache/running-executions-scripts';
import * as clientScripts from '../../../lambda/aws/elasticache/scripts';
import { parseConfiguration } from '../../../lambda/aws/parse-configuration';
import {
  ENVIRONMENT,
  NEW_APP_CONTEXT,
  OUTPUT,
  newStack,
  newWorkflow,
  permissions,
  refusal,
  withoutHash,
} from '../../support/constructs';
import { FsmWorkflow, LockCache, LockTable, MachineDefinition, type LockCacheProps } from 'cdk-lambda-fsm';

const ZONES = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c', 'eu-west-1d'];

function network(scope: Stack, zones = 3, id = 'Network'): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, id, {
    vpcId: 'vpc-1',
    availabilityZones: ZONES.slice(0, zones),
    privateSubnetIds: ZONES.slice(0, zones).map((zone) => `subnet-${zone}`),
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

test('the cache runs Valkey in the VPC, and authenticates with IAM only', () => {
  const template = deploy().template();
  const { Properties: cache } = only(template, 'AWS::ElastiCache::ServerlessCache');
  expect(cache).toMatchObject({
    Engine: 'valkey',
    SubnetIds: ['subnet-eu-west-1a', 'subnet-eu-west-1b', 'subnet-eu-west-1c'],
    UserGroupId: { Ref: expect.stringMatching(/^LocksUserGroup/) },
  });
  expect(cache.ServerlessCacheName['Fn::Join'][1][0]).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*-$/);
  const { Properties: user } = only(template, 'AWS::ElastiCache::User');
  expect(user).toMatchObject({ Engine: 'valkey', AuthenticationMode: { Type: 'iam' }, UserId: user.UserName });
  expect(user).not.toHaveProperty('Passwords');
  expect(user.AccessString).toMatch(/^on ~lock:\* -@all /);
  const { Properties: group } = only(template, 'AWS::ElastiCache::UserGroup');
  expect(group).toMatchObject({ Engine: 'valkey', UserIds: [{ Ref: expect.stringMatching(/^LocksUser/) }] });
  expect(JSON.stringify(group.UserGroupId)).toContain('-users');
});

test('the workflow has no lock table, and may only connect to the cache', () => {
  const { workflow, lockCache, template } = deploy();
  expect(workflow.lockTable).toBeUndefined();
  expect(workflow.lockCache).toBe(lockCache);
  const tables = Object.keys(template().findResources('AWS::DynamoDB::Table')).map(withoutHash);
  expect(tables).toEqual(['OrdersCheckpointTable']);
  const allowed = Object.entries(permissions(template(), 'OrdersRole')).filter(([, actions]) =>
    actions.some((action) => action.startsWith('elasticache:')),
  );
  expect(
    allowed.map(([resource, actions]) => [resource.replace(/^Locks(Cache|User).*\./, 'Locks$1.'), actions]),
  ).toEqual([
    ['LocksCache.ARN', ['elasticache:Connect']],
    ['LocksUser.Arn', ['elasticache:Connect']],
  ]);
});

test('only the function may connect to the port of the cache', () => {
  const template = deploy().template();
  const { Properties: ingress } = only(template, 'AWS::EC2::SecurityGroupIngress');
  expect(ingress).toMatchObject({
    IpProtocol: 'tcp',
    FromPort: 6379,
    ToPort: 6379,
    GroupId: { 'Fn::GetAtt': [expect.stringMatching(/^LocksSecurityGroup/), 'GroupId'] },
    SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringMatching(/^OrdersFunctionSecurityGroup/), 'GroupId'] },
  });
  const groups = template.findResources('AWS::EC2::SecurityGroup', {
    Properties: { SecurityGroupIngress: Match.anyValue() },
  });
  expect(groups).toEqual({});
});

test('the runtime can read the configuration', () => {
  const { template } = deploy({ retention: Duration.days(90) });
  const { Properties } = only(template(), 'AWS::Lambda::Function');
  const {
    'Fn::Join': [, parts],
  } = Properties.Environment.Variables.FSM_WORKFLOW;
  const values: Record<string, string> = { 'Endpoint.Address': 'locks.cache.amazonaws.com', 'Endpoint.Port': '6379' };
  const text = parts
    .map((part: string | { 'Fn::GetAtt'?: [string, string] }) => {
      return typeof part === 'string' ? part : (values[part['Fn::GetAtt']?.[1] ?? ''] ?? 'https://aws/name');
    })
    .join('');
  expect(parseConfiguration(text).lockTable).toEqual({
    service: 'elasticache',
    endpoint: 'locks.cache.amazonaws.com:6379',
    cacheName: expect.stringMatching(/^stack-locks-[0-9a-f]{8}-/),
    userName: expect.stringMatching(/^stack-locks-[0-9a-f]{8}-/),
    region: 'eu-west-1',
    retentionDays: 90,
  });
});

test('the grants allow connecting: each call of the client reads or writes locks', () => {
  const { stack, workflow, template } = deploy();
  const role = (id: string) => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() });
  workflow.grantStart(role('Starter'));
  workflow.grantSend(role('Sender'));
  workflow.grantDescribe(role('Watcher'));
  workflow.grantRedrive(role('Redriver'));
  const connects = (policy: string) =>
    Object.values(permissions(template(), policy)).flat().includes('elasticache:Connect');
  expect(['Starter', 'Sender', 'Watcher', 'Redriver'].map(connects)).toEqual([true, true, true, true]);
});

test('a client in the VPC can be allowed to connect', () => {
  const { stack, vpc, lockCache, template } = deploy();
  const shop = new lambda.Function(stack, 'Shop', {
    vpc,
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => {};'),
  });
  shop.connections.allowToDefaultPort(lockCache);
  template().resourceCountIs('AWS::EC2::SecurityGroupIngress', 2);
});

test('the cache and the resources that it needs follow the removal policy', () => {
  const policies = (template: Template) =>
    ['ElastiCache::ServerlessCache', 'ElastiCache::User', 'ElastiCache::UserGroup', 'EC2::SecurityGroup']
      .flatMap((type) => Object.entries(template.findResources(`AWS::${type}`)))
      .filter(([id]) => id.startsWith('Locks'))
      .map(([, { DeletionPolicy }]) => DeletionPolicy);
  expect(policies(deploy().template())).toEqual([
    'RetainExceptOnCreate',
    'RetainExceptOnCreate',
    'RetainExceptOnCreate',
    'RetainExceptOnCreate',
  ]);
  expect(policies(deploy({ removalPolicy: RemovalPolicy.DESTROY }).template())).toEqual([
    'Delete',
    'Delete',
    'Delete',
    'Delete',
  ]);
});

test('a customer managed key encrypts the cache', () => {
  const stack = newStack();
  const encryptionKey = new kms.Key(stack, 'Key');
  new LockCache(stack, 'Locks', { vpc: network(stack), encryptionKey });
  expect(only(Template.fromStack(stack), 'AWS::ElastiCache::ServerlessCache').Properties.KmsKeyId).toEqual({
    'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'],
  });
});

test('a cache in another stack', () => {
  const app = new App({ outdir: OUTPUT, context: NEW_APP_CONTEXT });
  const shared = new Stack(app, 'Shared', ENVIRONMENT);
  const lockCache = new LockCache(shared, 'Locks', { vpc: network(shared) });
  const stack = new Stack(app, 'Stack', ENVIRONMENT);
  new FsmWorkflow(stack, 'Orders', {
    machines: [MachineDefinition.fromObject({ name: 'm', initial: 'a', states: { a: { final: true } } })],
    actions: `${__dirname}/../workflow/code/actions/order.actions.ts`,
    vpc: network(stack),
    lockCache,
  });
  Template.fromStack(shared).resourceCountIs('AWS::ElastiCache::ServerlessCache', 1);
  Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
});

test.each<[string, (stack: Stack) => Partial<LockCacheProps>, RegExp]>([
  [
    'a retention below the minimum',
    () => ({ retention: Duration.days(14) }),
    /Invalid retention 14 days: expected 15 to 3650 days in whole days/,
  ],
  [
    'one Availability Zone',
    (stack) => ({ vpc: network(stack, 1, 'Small') }),
    /Invalid vpcSubnets: selected 1 subnets in 1 Availability Zones; expected two or three subnets/,
  ],
  [
    'four Availability Zones',
    (stack) => ({ vpc: network(stack, 4, 'Large') }),
    /Invalid vpcSubnets: selected 4 subnets in 4 Availability Zones.*slice\(0, 3\)/,
  ],
  [
    'a retention below the minimum in one Availability Zone',
    (stack) => ({ vpc: network(stack, 1, 'Small'), retention: Duration.hours(1) }),
    /2 errors:\n {2}- Invalid retention .*\n {2}- Invalid vpcSubnets/,
  ],
])('rejects %s', (_, props, message) => {
  const stack = newStack();
  expect(() => new LockCache(stack, 'Locks', { vpc: network(stack), ...props(stack) })).toThrow(message);
});

test.each<[string, (stack: Stack) => Partial<Parameters<typeof newWorkflow>[1] & object>, RegExp]>([
  [
    'no VPC',
    (stack) => ({ lockCache: new LockCache(stack, 'Locks', { vpc: network(stack) }) }),
    /lockCache requires vpc, because the function must connect to the VPC of the cache "Stack\/Locks"\. Set vpc/,
  ],
  [
    'a lock table',
    (stack) => {
      const vpc = network(stack);
      return { vpc, lockCache: new LockCache(stack, 'Locks', { vpc }), lockTable: new LockTable(stack, 'Table') };
    },
    /lockCache and lockTable are mutually exclusive\. Omit one of them/,
  ],
])('rejects a cache with %s', (_, props, message) => {
  expect(refusal(props)).toMatch(message);
});

test('its access string allows exactly the commands that the runtime calls', () => {
  const scripts = [leaseScripts, runningScripts, clientScripts].flatMap((module) =>
    Object.values<unknown>(module).flatMap((value) => (typeof value === 'object' ? JSON.stringify(value) : [])),
  );
  expect(scripts.length).toBeGreaterThan(8);
  const called = scripts.flatMap((text) => [...text.matchAll(/call\('(\w+)'/g)].map(([, command]) => command));
  const allowed = [...LockCache.ACCESS_STRING.matchAll(/\+(\S+)/g)].map(([, command]) => command);
  expect(new Set(allowed)).toEqual(
    new Set(['@connection', 'eval', 'evalsha', ...called.map((command) => command?.toLowerCase())]),
  );
  const guide = readFileSync(join(__dirname, '../../../docs/guide/lock-stores.md'), 'utf8');
  expect(guide).toContain(`\n${LockCache.ACCESS_STRING}\n`);
});
