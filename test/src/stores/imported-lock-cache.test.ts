import {
  Duration,
  Stack,
  aws_ec2 as ec2,
  aws_iam as iam,
  aws_kms as kms,
  aws_secretsmanager as secretsmanager,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parseConfiguration } from '../../../lambda/aws/parse-configuration';
import { newStack, newWorkflow, permissions } from '../../support/constructs';
import { CacheAuthentication, LockCache, type LockCacheAttributes } from 'cdk-lambda-fsm';

const ENDPOINT = 'locks.abc.euw1.cache.amazonaws.com:6380';

function importCache(scope: Stack, authentication: CacheAuthentication, more: Partial<LockCacheAttributes> = {}) {
  return LockCache.fromCacheAttributes(scope, 'Locks', {
    endpoint: ENDPOINT,
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(scope, 'CacheGroup', 'sg-cache')],
    authentication,
    ...more,
  });
}

function deploy(authenticate: (stack: Stack) => CacheAuthentication, more: Partial<LockCacheAttributes> = {}) {
  const stack = newStack();
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-1'],
  });
  const lockCache = importCache(stack, authenticate(stack), more);
  const workflow = newWorkflow(stack, { vpc, lockCache });
  workflow.grantDescribe(new iam.Role(stack, 'Watcher', { assumedBy: new iam.AccountRootPrincipal() }));
  const template = Template.fromStack(stack);
  return { stack, template, lockTable: parseConfiguration(resolved(template)).lockTable };
}

/** The lock store in the configuration of the function, with placeholders in place of the names that AWS assigns. */
function resolved(template: Template): string {
  const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
  const {
    'Fn::Join': [, parts],
  } = fn!.Properties.Environment.Variables.FSM_WORKFLOW;
  return parts
    .map((part: string | { readonly Ref?: string }) =>
      typeof part === 'string' ? part : part.Ref?.startsWith('Secret') ? 'arn:secret' : 'https://aws/name',
    )
    .join('');
}

/** The permissions for caches and secrets by resource. */
function permissionsOf(template: Template, policy: string) {
  return Object.entries(permissions(template, policy)).filter(([, actions]) =>
    actions.some((action) => /^(elasticache|secretsmanager|kms):/.test(action)),
  );
}

const arn = (resource: string) =>
  `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":elasticache:eu-west-1:123456789012:${resource}"]]}`;

test('a serverless cache with IAM authentication', () => {
  const { template, lockTable } = deploy(() => CacheAuthentication.iam({ cacheName: 'locks', userName: 'workflows' }), {
    retention: Duration.days(90),
  });
  expect(lockTable).toEqual({
    service: 'elasticache',
    endpoint: ENDPOINT,
    cacheName: 'locks',
    userName: 'workflows',
    region: 'eu-west-1',
    retentionDays: 90,
  });
  const connects = [
    [arn('serverlesscache:locks'), ['elasticache:Connect']],
    [arn('user:workflows'), ['elasticache:Connect']],
  ];
  expect(permissionsOf(template, 'OrdersRole')).toEqual(connects);
  expect(permissionsOf(template, 'Watcher')).toEqual(connects);
  template.resourceCountIs('AWS::ElastiCache::ServerlessCache', 0);
});

test('a replication group with IAM authentication', () => {
  const { template, lockTable } = deploy(() =>
    CacheAuthentication.iam({ cacheName: 'locks', userName: 'workflows', nodeBased: true }),
  );
  expect(lockTable).toMatchObject({ cacheName: 'locks', nodeBased: true });
  expect(permissionsOf(template, 'OrdersRole').map(([resource]) => resource)).toEqual([
    arn('replicationgroup:locks'),
    arn('user:workflows'),
  ]);
});

test('a password is read at run time, and is not in the template', () => {
  const { template, lockTable } = deploy((stack) =>
    CacheAuthentication.password({ secret: new secretsmanager.Secret(stack, 'Secret'), field: 'token' }),
  );
  expect(lockTable).toEqual({
    service: 'elasticache',
    endpoint: ENDPOINT,
    userName: 'default',
    passwordSecret: 'arn:secret',
    passwordField: 'token',
    retentionDays: 30,
  });
  expect(permissionsOf(template, 'OrdersRole')).toEqual([['Secret', ['secretsmanager:GetSecretValue']]]);
  expect(permissionsOf(template, 'Watcher')).toEqual([['Secret', ['secretsmanager:GetSecretValue']]]);
  expect(JSON.stringify(template.toJSON())).not.toContain('resolve:secretsmanager');
});

test('an imported secret with a customer managed key', () => {
  const { template } = deploy((stack) =>
    CacheAuthentication.password({
      userName: 'workflows',
      secret: secretsmanager.Secret.fromSecretAttributes(stack, 'Secret', {
        secretPartialArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:locks',
        encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:123456789012:key/1'),
      }),
    }),
  );
  expect(permissionsOf(template, 'OrdersRole')).toEqual([
    ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:locks-??????', ['secretsmanager:GetSecretValue']],
    ['arn:aws:kms:eu-west-1:123456789012:key/1', ['kms:Decrypt']],
  ]);
});

test('the function may connect to the port of the endpoint', () => {
  const { template } = deploy(() => CacheAuthentication.iam({ cacheName: 'locks', userName: 'workflows' }));
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    GroupId: 'sg-cache',
    FromPort: 6380,
    ToPort: 6380,
  });
});

test('reports all invalid attributes together', () => {
  expect(() =>
    importCache(newStack(), CacheAuthentication.iam({ cacheName: 'l', userName: 'u' }), {
      endpoint: 'rediss://locks',
      retention: Duration.days(1),
    }),
  ).toThrow(
    /2 errors:\n.*Invalid retention 1 day: .*\n.*Invalid endpoint "rediss:\/\/locks": expected a host name and a port, for example "host:6379"/,
  );
});
