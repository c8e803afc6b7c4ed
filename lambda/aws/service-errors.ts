import type { MiddlewareStack } from '@smithy/types';
import { FsmError } from '../machine/fsm-error';

/** A request that a service refused. */
export interface RefusedRequest {
  /** Name of the service, for example `Amazon DynamoDB`. */
  readonly service: string;
  /** The IAM action of the request, for example `dynamodb:GetItem`. */
  readonly action: string;
  /** Kind and name of the resource, for example `table "Orders-Locks"`. */
  readonly resource: string;
}

/** The role or key policy of the caller does not allow a request. The message names the action and the resource. */
export class AccessDeniedError extends FsmError {
  public override readonly name = 'AccessDeniedError';
  public override readonly code = 'ACCESS_DENIED';

  constructor({ service, action, resource }: RefusedRequest, cause: Error) {
    super(
      `Access denied: the caller may not perform ${action} on the ${resource}. ` +
        "Grant the permission with the workflow's method for the call, such as grantStart. " +
        `${answerOf(service, cause)}`,
      { cause },
    );
  }
}

/** A table, queue, stream, topic or secret of the workflow does not exist in the account and region of the request. */
export class ResourceNotFoundError extends FsmError {
  public override readonly name = 'ResourceNotFoundError';
  public override readonly code = 'RESOURCE_NOT_FOUND';

  constructor({ service, action, resource }: RefusedRequest, cause: Error) {
    super(
      `${service} has no ${resource}, which ${action} needs. ` +
        'Check that the workflow is deployed in the account and Region of the client, and that the client has its clientConfiguration. ' +
        answerOf(service, cause),
      { cause },
    );
  }
}

/** The credentials of the caller are missing, invalid or expired. */
export class CredentialsError extends FsmError {
  public override readonly name = 'CredentialsError';
  public override readonly code = 'CREDENTIALS_REJECTED';

  constructor({ service, action, resource }: RefusedRequest, cause: Error) {
    super(
      `The credentials for ${action} on the ${resource} are missing, invalid or expired. ` +
        `Provide valid credentials, such as the role of a function. ${answerOf(service, cause)}`,
      { cause },
    );
  }
}

/** The AWS KMS key that encrypts a resource is missing, disabled or not usable. */
export class EncryptionKeyError extends FsmError {
  public override readonly name = 'EncryptionKeyError';
  public override readonly code = 'ENCRYPTION_KEY_UNUSABLE';

  constructor({ service, action, resource }: RefusedRequest, cause: Error) {
    super(
      `${action} failed: the AWS KMS key that encrypts the ${resource} cannot be used. ` +
        `Check that the key exists, is enabled and is not scheduled for deletion. ${answerOf(service, cause)}`,
      { cause },
    );
  }
}

type RefusalClass = new (request: RefusedRequest, cause: Error) => FsmError;

/** The errors that a retry cannot solve, by the name in the response of the service, in lower case and without prefix and suffix. */
const REFUSALS: readonly (readonly [RegExp, RefusalClass])[] = [
  [/^(kms)?accessdenied$|^authorizationerror$|^notauthorized$/, AccessDeniedError],
  [/^(resource)?notfound$|^queuedoesnotexist$|^nonexistentqueue$/, ResourceNotFoundError],
  [/^(unrecognizedclient|invalidclienttokenid|invalidaccesskeyid)$/, CredentialsError],
  [/^(invalid|incomplete)signature$|^signaturedoesnotmatch$|^missingauthenticationtoken$/, CredentialsError],
  [/^expiredtoken$|^(credentials|token)providererror$/, CredentialsError],
  [/^kms(notfound|disabled|invalidstate|invalidkeyusage|optinrequired)$/, EncryptionKeyError],
];

/** The error that explains a refusal, or `undefined` for an error that a retry or the caller handles. */
export function refusalOf(request: RefusedRequest, error: Error): FsmError | undefined {
  const name = error.name
    .replace(/^AWS\.SimpleQueueService\./, '')
    .replace(/Exception$/, '')
    .toLowerCase();
  const [, Refusal] = REFUSALS.find(([names]) => names.test(name)) ?? [];
  return Refusal && new Refusal({ ...request, action: actionOf(request, error, name) }, error);
}

/** An AWS client, as far as its middleware is concerned. */
interface Client<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Makes an AWS client throw errors that name the service, the resource and the missing action where access or a resource is missing.
 *
 * @returns the client
 */
export function explainRefusals<C extends Client<Input, Output>, Input extends object, Output extends object>(
  client: C & Client<Input, Output>,
): C {
  client.middlewareStack.add(
    (next, { clientName = 'the service', commandName = '' }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (thrown) {
          const { prefix, service } = namesOf(String(clientName));
          const action = `${prefix}:${String(commandName).replace(/Command$/, '')}`;
          const request = { service, action, resource: resourceOf(args.input) ?? 'resource' };
          throw (thrown instanceof Error && refusalOf(request, thrown)) || thrown;
        }
      },
    // Outside of the retries of the client.
    { step: 'initialize', priority: 'high', name: 'explainRefusals', override: true },
  );
  return client;
}

const SERVICES: Readonly<Record<string, string>> = {
  dynamodb: 'Amazon DynamoDB',
  sqs: 'Amazon SQS',
  sns: 'Amazon SNS',
  kinesis: 'Amazon Kinesis',
  secretsmanager: 'AWS Secrets Manager',
};

function namesOf(clientName: string): { readonly prefix: string; readonly service: string } {
  const prefix = clientName.replace(/Client$/, '').toLowerCase();
  return { prefix, service: SERVICES[prefix] ?? clientName };
}

/** The requests whose IAM actions have other names. */
const ACTIONS: Readonly<Record<string, string>> = {
  'dynamodb:TransactWriteItems': 'dynamodb:PutItem and dynamodb:UpdateItem',
  'dynamodb:BatchExecuteStatement': 'dynamodb:PartiQLUpdate',
  'sqs:SendMessageBatch': 'sqs:SendMessage',
  'sns:PublishBatch': 'sns:Publish',
};

/** The response of most services names the action. */
function actionOf({ action }: RefusedRequest, { message }: Error, name: string): string {
  const named = /not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)/i.exec(message)?.[1];
  if (named !== undefined) return named;
  return name === 'kmsaccessdenied' ? 'kms:GenerateDataKey and kms:Decrypt' : (ACTIONS[action] ?? action);
}

/** The members of requests that name a resource. */
const RESOURCES: Readonly<Record<string, string>> = {
  TableName: 'table',
  QueueUrl: 'queue',
  StreamName: 'stream',
  TopicArn: 'topic',
  SecretId: 'secret',
};

/** Finds the resource in the input of a request, at any depth: a transaction names the table in each of its items. */
function resourceOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  for (const [name, value] of Object.entries(input)) {
    const kind = RESOURCES[name];
    if (kind !== undefined && typeof value === 'string') return `${kind} "${value}"`;
    // A batch of writes lists them by table.
    if (name === 'RequestItems') return `table "${Object.keys(Object(value)).join('", "')}"`;
    const nested = resourceOf(value);
    if (nested !== undefined) return nested;
  }
  return undefined;
}

function answerOf(service: string, { name, message }: Error): string {
  return `${service} answered: ${message === '' ? `${name}.` : `${name}: ${message.replace(/\.?$/, '.')}`}`;
}
