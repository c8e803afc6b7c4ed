import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { ROOT } from './emulator';
import { EMULATOR_ONLY } from './emulator-only';

/** A line of the emulator's access log. */
interface Access {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly decision: 'Allow' | 'Deny' | 'ImplicitDeny';
}

/** Actions that the emulator authorizes, and the actions that AWS authorizes instead. */
const AWS_ACTIONS: Readonly<Record<string, string>> = {
  'sqs:SendMessageBatch': 'sqs:SendMessage',
  'sqs:ChangeMessageVisibilityBatch': 'sqs:ChangeMessageVisibility',
  'sns:PublishBatch': 'sns:Publish',
};

/** Permissions that AWS requires, but that these tests do not or may not use, with the reason. */
const NOT_USED_HERE: readonly {
  readonly because: string;
  readonly actions: readonly string[];
  /** Part of the resource's name. @default - any resource */
  readonly on?: string;
}[] = [
  {
    because: "Lambda polls with the function's role, the emulator without it.",
    actions: [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:ListShards',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
    ],
  },
  {
    because: "Lambda writes logs with the function's role, the emulator without it.",
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  },
  {
    because: 'Steps are acquired together only if their records arrive in one batch, which is not certain.',
    actions: ['dynamodb:PartiQLUpdate'],
  },
  {
    because: 'A message is hidden only while another invocation holds its step, which is not certain.',
    actions: ['sqs:ChangeMessageVisibility'],
  },
  {
    because: 'AWS authorizes each write of a transaction, the emulator only the transaction.',
    actions: ['dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
  },
  {
    because: 'The event that wakes a step is removed after it, unless the execution ends with it.',
    actions: ['dynamodb:DeleteItem'],
  },
  {
    because: "Lambda sends failed invocations with the function's role, the emulator without it.",
    actions: ['sqs:SendMessage'],
    on: 'FailedInvocations',
  },
  {
    because: 'Every grant that sends envelopes includes the grant to start, which records starts.',
    actions: ['dynamodb:UpdateItem'],
    on: 'LockTable',
  },
  {
    because: 'Waiting events are listed and dropped only on request.',
    actions: ['dynamodb:GetItem', 'dynamodb:Query'],
    on: 'CheckpointTable',
  },
  {
    because: 'Starting a task passes its roles to ECS, which the emulator does not authorize.',
    actions: ['iam:PassRole'],
  },
];

/**
 * Declares the test that roles have exactly the permissions that the preceding tests have used.
 *
 * @param roles returns the names of the roles; called within the test
 * @param some actions of which each must have been used by at least one role
 */
export function testAccess(roles: () => readonly string[], some: readonly string[] = []): void {
  void test('have exactly the permissions that they use', async () => {
    const log = readFileSync(process.env.ACCESS_LOG ?? '', 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Access); // The emulator writes this format.
    const unused: string[] = [];
    const missing: string[] = [];
    const seen = new Set<string>();
    for (const role of roles()) {
      const asked = log.filter(({ principal }) => principal.includes(`:assumed-role/${role}/`));
      assert.ok(asked.length > 0, `The role ${role} was not used`);
      const used = new Set(asked.map(({ action, resource }) => `${AWS_ACTIONS[action] ?? action} ${resource}`));
      for (const { action } of asked) seen.add(action);
      const isUnused = (permission: string) =>
        !isNotUsedHere(permission) && ![...used].some((access) => covers(permission, access));
      unused.push(...(await permissionsOf(role)).filter(isUnused).map((permission) => `${role}: ${permission}`));
      missing.push(
        ...asked
          .filter(({ decision }) => decision === 'ImplicitDeny')
          .map(({ action, resource }) => `${role}: ${action} ${resource}`),
      );
    }
    assert.deepEqual(
      some.filter((action) => !seen.has(action)),
      [],
      'No role has used these actions',
    );
    assert.deepEqual(missing, [], 'Permissions are missing');
    assert.deepEqual(unused, [], 'Permissions are not used');
  });
}

function isNotUsedHere(permission: string): boolean {
  const [permitted = '', resource = ''] = permission.split(' ');
  return NOT_USED_HERE.some(({ actions, on = '' }) => actions.includes(permitted) && resource.includes(on));
}

/** Whether a permission, whose resource may end with a wildcard, allows an access. */
function covers(permission: string, access: string): boolean {
  return permission.endsWith('*') ? access.startsWith(permission.slice(0, -1)) : access === permission;
}

/** Returns the permissions of a role, each as "action resource". */
async function permissionsOf(RoleName: string): Promise<string[]> {
  const iam = new IAMClient({ credentials: ROOT });
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  assert.deepEqual(
    AttachedPolicies,
    [],
    `The role ${RoleName} has managed policies, which do not name their resources`,
  );
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const statements = await Promise.all(
    PolicyNames.filter((name) => !name.includes(EMULATOR_ONLY)).map(async (PolicyName) => {
      const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument)) as { Statement: Statement[] }; // IAM's policy format.
      return Statement;
    }),
  );
  return statements.flat().flatMap(({ Effect, Action, Resource }) => {
    assert.equal(Effect, 'Allow', `A policy of the role ${RoleName} denies access`);
    return [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} ${resource}`));
  });
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
}
