import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GetRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { ROOT } from './emulator';
import { EMULATOR_ONLY } from './emulator-only';

/** A line of the emulator's log of what was asked of it. */
interface Access {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly decision: 'Allow' | 'Deny' | 'ImplicitDeny';
}

/** The actions by whose right the emulator asks, where AWS asks for another. */
const AWS_ACTIONS: Readonly<Record<string, string>> = { 'sqs:SendMessageBatch': 'sqs:SendMessage', 'sns:PublishBatch': 'sns:Publish' };

/** What a role is for, and is not asked for here, or not surely, with the reason. */
const NOT_ASKED_FOR: readonly { readonly actions: readonly string[]; readonly because: string }[] = [
  {
    because: 'Lambda polls in the name of the function\'s role. The emulator does without.',
    actions: [
      'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes',
      'kinesis:DescribeStream', 'kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:GetRecords', 'kinesis:GetShardIterator',
      'dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams',
    ],
  },
  { because: 'Lambda writes the logs in the name of the function\'s role. The emulator does without.', actions: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
  {
    because: 'Steps are acquired together when their records come in one batch, which is chance.',
    actions: ['dynamodb:PartiQLInsert', 'dynamodb:PartiQLUpdate'],
  },
  { because: 'Who starts a task hands it its roles. The emulator does not ask whether he may.', actions: ['iam:PassRole'] },
];

/**
 * Declares the test that roles may do what was asked for in the tests before, and nothing else.
 *
 * @param roles their names; called within the test
 * @param some  actions that any of the roles must have been asked for
 */
export function testAccess(roles: () => readonly string[], some: readonly string[] = []): void {
  void test('need every right that they have, and have every right that they need', async () => {
    const log = readFileSync(process.env.ACCESS_LOG ?? '', 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Access); // The emulator's format.
    const unasked = new Set(NOT_ASKED_FOR.flatMap(({ actions }) => actions));
    const idle: string[] = [];
    const missing: string[] = [];
    const seen = new Set<string>();
    for (const role of roles()) {
      const asked = log.filter(({ principal }) => principal.includes(`:assumed-role/${role}/`));
      assert.ok(asked.length > 0, `Nobody has asked for anything in the role ${role}`);
      const used = new Set(asked.map(({ action, resource }) => `${AWS_ACTIONS[action] ?? action} ${resource}`));
      for (const { action } of asked) seen.add(action);
      const isIdle = (right: string) => !unasked.has(right.split(' ')[0] ?? '') && ![...used].some((access) => covers(right, access));
      idle.push(...(await rightsOf(role)).filter(isIdle).map((right) => `${role}: ${right}`));
      missing.push(...asked.filter(({ decision }) => decision === 'ImplicitDeny').map(({ action, resource }) => `${role}: ${action} ${resource}`));
    }
    assert.deepEqual(some.filter((action) => !seen.has(action)), [], 'Nobody was asked for this');
    assert.deepEqual(missing, [], 'Rights are missing');
    assert.deepEqual(idle, [], 'There are rights that nobody needs');
  });
}

/** Whether a right is that to an access, as far as its resource is not left open at its end. */
function covers(right: string, access: string): boolean {
  return right.endsWith('*') ? access.startsWith(right.slice(0, -1)) : access === right;
}

/** What a role may do, as "action resource". */
async function rightsOf(RoleName: string): Promise<string[]> {
  const iam = new IAMClient({ credentials: ROOT });
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  assert.deepEqual(AttachedPolicies, [], `The role ${RoleName} has policies that do not name their resources`);
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const statements = await Promise.all(PolicyNames.filter((name) => !name.includes(EMULATOR_ONLY)).map(async (PolicyName) => {
    const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument)) as { Statement: Statement[] }; // The language of policies.
    return Statement;
  }));
  return statements.flat().flatMap(({ Effect, Action, Resource }) => {
    assert.equal(Effect, 'Allow', `Something denies the role ${RoleName} what it needs`);
    return [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} ${resource}`));
  });
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
}
