import { Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import type { IamCacheConfiguration, PasswordCacheConfiguration } from '#contract';
import { grantConnectTo, grantSecret } from '../shared/grants';
import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes, objectWith, type TypesOf } from '../shared/value-types';

/** Options for IAM authentication to a cache. */
export interface CacheIamAuthenticationOptions {
  /** Name of the serverless cache, or ID of the replication group. */
  readonly cacheName: string;
  /** The cache user that IAM identities connect as. With IAM authentication, the ID and the name of the user are equal. */
  readonly userName: string;
  /**
   * Whether the cache is a replication group instead of a serverless cache.
   *
   * @default false
   */
  readonly nodeBased?: boolean;
}

/** Options for password authentication to a cache. */
export interface CachePasswordAuthenticationOptions {
  /** The secret that holds the password of a cache user, or the AUTH token of a cache without users. */
  readonly secret: secretsmanager.ISecret;
  /**
   * The field of the secret that holds the password, if the secret is a JSON object.
   *
   * @default - the whole secret value is the password
   */
  readonly field?: string;
  /**
   * The cache user to connect as.
   *
   * @default default - the built-in user, whose password is the AUTH token of the cache
   */
  readonly userName?: string;
}

const PASSWORD_TYPES: TypesOf<CachePasswordAuthenticationOptions> = {
  secret: objectWith(['secretArn'], 'a Secret, for example Secret.fromSecretNameV2(…)'),
};

type AuthenticationConfiguration =
  | Pick<IamCacheConfiguration, 'userName' | 'cacheName' | 'nodeBased' | 'region'>
  | Pick<PasswordCacheConfiguration, 'userName' | 'passwordSecret' | 'passwordField'>;

/** How a workflow authenticates to a cache. */
export class CacheAuthentication {
  /** Authenticates with short-lived IAM tokens, without a password. */
  public static iam(options: CacheIamAuthenticationOptions): CacheAuthentication {
    const { cacheName, userName, nodeBased = false } = options;
    return new CacheAuthentication(
      (cache) => ({ userName, cacheName, region: Stack.of(cache).region, ...(nodeBased && { nodeBased }) }),
      (cache, grantee) => {
        const resource = nodeBased ? 'replicationgroup' : 'serverlesscache';
        return grantConnectTo([arnOf(cache, resource, cacheName), arnOf(cache, 'user', userName)], grantee);
      },
    );
  }

  /**
   * Authenticates with a password from AWS Secrets Manager. The function reads the password when it opens a connection, and again when the
   * cache rejects a connection, so the password can be rotated. No template and no environment variable contains the password. A function in a
   * VPC needs a route to Secrets Manager.
   */
  public static password(options: CachePasswordAuthenticationOptions): CacheAuthentication {
    const { secret, field, userName = 'default' } = options;
    return new CacheAuthentication(
      () => ({ userName, passwordSecret: secret.secretArn, ...(field !== undefined && { passwordField: field }) }),
      (_, grantee) => grantSecret(secret, grantee),
      (errors) => {
        const own = new ValidationErrors();
        checkTypes(own, options, PASSWORD_TYPES, ['secret']);
        errors.addFrom('authentication', own);
      },
    );
  }

  private constructor(
    /** @internal */
    public readonly _configuration: (cache: IConstruct) => AuthenticationConfiguration,
    /** @internal */
    public readonly _grant: (cache: IConstruct, grantee: iam.IGrantable) => iam.Grant,
    /** @internal */
    public readonly _check: (errors: ValidationErrors) => void = () => undefined,
  ) {}
}

function arnOf(cache: IConstruct, resource: string, name: string): string {
  return Stack.of(cache).formatArn({ service: 'elasticache', resource: `${resource}:${name}` });
}
