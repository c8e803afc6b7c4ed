import { Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { grantConnectTo, grantSecret } from './access';

/** How IAM identities connect to a cache. */
export interface CacheIamAuthenticationOptions {
  /** Name of the serverless cache, or id of the replication group. */
  readonly cacheName: string;
  /** The user of the cache as whom IAM identities connect: its id and name, which are the same where IAM authenticates. */
  readonly userName: string;
  /**
   * Whether the cache is a replication group, made of nodes, and no serverless cache.
   *
   * @default false
   */
  readonly nodeBased?: boolean;
}

/** With which password somebody connects to a cache. */
export interface CachePasswordAuthenticationOptions {
  /** Where the password is: that of a user, or the token of a cache that has no users. */
  readonly secret: secretsmanager.ISecret;
  /**
   * The field of the secret that is the password, if the secret is a JSON object.
   *
   * @default - the text of the secret is the password
   */
  readonly field?: string;
  /**
   * The user of the cache.
   *
   * @default default - the user that there is without users, and whose password is the token of the cache
   */
  readonly userName?: string;
}

/** How a workflow proves to a cache who it is. */
export class CacheAuthentication {
  /** By IAM: there is no password. */
  public static iam(options: CacheIamAuthenticationOptions): CacheAuthentication {
    const { cacheName, userName, nodeBased = false } = options;
    return new CacheAuthentication(
      (cache) => ({ userName, cacheName, region: Stack.of(cache).region, ...nodeBased && { nodeBased } }),
      (cache, grantee) => {
        const resource = nodeBased ? 'replicationgroup' : 'serverlesscache';
        return grantConnectTo([arnOf(cache, resource, cacheName), arnOf(cache, 'user', userName)], grantee);
      },
    );
  }

  /**
   * By a password from AWS Secrets Manager. The function reads it when it opens a connection, and again when a connection is refused, so it
   * may be rotated. It is in no template and no environment variable. In a network the function needs a way to Secrets Manager.
   */
  public static password(options: CachePasswordAuthenticationOptions): CacheAuthentication {
    const { secret, field, userName = 'default' } = options;
    return new CacheAuthentication(
      () => ({ userName, passwordSecret: secret.secretArn, ...field !== undefined && { passwordField: field } }),
      (_, grantee) => grantSecret(secret, grantee),
    );
  }

  private constructor(
    /** @internal */
    public readonly _configuration: (cache: IConstruct) => Readonly<Record<string, string | boolean>>,
    /** @internal */
    public readonly _grant: (cache: IConstruct, grantee: iam.IGrantable) => iam.Grant,
  ) {}
}

function arnOf(cache: IConstruct, resource: string, name: string): string {
  return Stack.of(cache).formatArn({ service: 'elasticache', resource: `${resource}:${name}` });
}
