import { Fn, Names, RemovalPolicy, Stack, Token, type Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';
import { LOCK_KEY_PREFIX } from '#contract';
import { CacheAuthentication } from './cache-authentication';
import { checkRetention, DEFAULT_RETENTION } from './tables';
import { grantConnectTo } from '../shared/grants';
import { ValidationErrors } from '../shared/validation-errors';
import {
  checkTypes,
  GRANTEE,
  KEY,
  objectWith,
  RETENTION,
  SECURITY_GROUPS,
  SUBNETS,
  VPC,
  type TypesOf,
} from '../shared/value-types';

/** Properties of a new lock cache. */
export interface LockCacheProps {
  /** The VPC of the cache. The workflow's function must be in this VPC or in a connected one. */
  readonly vpc: ec2.IVpc;
  /**
   * The subnets of the cache: two or three, each in another Availability Zone.
   *
   * @default - one private subnet in each Availability Zone
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * The customer managed key that encrypts the cache. Changing it replaces the cache.
   *
   * @default - an AWS owned key
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Removal policy of the cache, its user group, its user and its security group. It applies when the stack is deleted or they are replaced.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long the lock of a completed execution is kept. Until it expires, starting the same execution again has no effect. The locks of
   * parked and failed executions do not expire.
   *
   * Valid range: 15 to 3650 days, in whole days. The minimum exceeds the 14 days for which SQS can redeliver a message, so that a late message
   * is still recognized as a duplicate.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

/** A cache that stores the lease and the latest step of each execution, as an alternative to a lock table. */
export interface ILockCache extends IConstruct, ec2.IConnectable {
  /** Endpoint of the cache: `<host name>:<port>`. */
  readonly endpoint: string;
  /** How long the lock of a completed execution is kept. */
  readonly retention: Duration;
  /** How a workflow authenticates to the cache. */
  readonly authentication: CacheAuthentication;
  /**
   * Grants permission to connect to the cache, and to read and write locks. The grantee also needs network access: see `connections`.
   */
  grantConnect(grantee: iam.IGrantable): iam.Grant;
}

/** Attributes of an existing cache. */
export interface LockCacheAttributes {
  /** The endpoint of a serverless cache, or the primary endpoint of a replication group: `<host name>:<port>`. */
  readonly endpoint: string;
  /** The security groups of the cache. */
  readonly securityGroups: ec2.ISecurityGroup[];
  /** How the workflow authenticates to the cache. */
  readonly authentication: CacheAuthentication;
  /**
   * How long the lock of a completed execution is kept. Until it expires, starting the same execution again has no effect. The locks of
   * parked and failed executions do not expire.
   *
   * Valid range: 15 to 3650 days, in whole days.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

const TYPES: TypesOf<LockCacheProps> = { vpc: VPC, vpcSubnets: SUBNETS, encryptionKey: KEY, retention: RETENTION };

const ATTRIBUTE_TYPES: TypesOf<LockCacheAttributes> = {
  securityGroups: SECURITY_GROUPS,
  authentication: objectWith(['_grant'], 'a CacheAuthentication, for example CacheAuthentication.iam(…)'),
  retention: RETENTION,
};

/** The commands that the runtime calls, on the keys that it uses. */
const ACCESS_STRING = `on ~${LOCK_KEY_PREFIX}* -@all +@connection +eval +evalsha +hget +hmget +hgetall +hset +hdel +hincrby +persist +expire`;

/** The port of a serverless cache for reads and writes. */
const PORT = 6379;

/**
 * A serverless cache of ElastiCache for Valkey that stores the lease and the latest step of each execution, in one small hash per execution.
 * An alternative to a {@link LockTable}: it responds within a millisecond, and is billed by memory and traffic instead of by writes.
 *
 * A cache is less durable than a table. It replicates asynchronously, so a failover of the cache can lose the latest writes, and losing the
 * cache loses all locks. `docs/guide/lock-stores.md` describes the consequences. If two invocations must never run the same step
 * concurrently, use a LockTable.
 *
 * Connections are encrypted and authenticated with IAM, without a password. A client that sends events to executions or describes them must be
 * in the VPC, and be allowed to connect: `fn.connections.allowToDefaultPort(lockCache)`.
 */
export class LockCache extends Construct implements ILockCache {
  /** The minimum permissions of the cache user, as an access string of Valkey and Redis OSS. */
  public static readonly ACCESS_STRING = ACCESS_STRING;

  /**
   * Uses an existing cache in the account and Region of the workflow: a serverless cache, or a replication group with cluster mode disabled,
   * that runs Valkey, or Redis OSS 7 or later, with encryption in transit.
   *
   * The cache must never evict keys without a time to live: set its parameter `maxmemory-policy` to `volatile-lru` or `noeviction`. No other
   * application may use keys that start with `lock:`. The cache user needs at least the permissions of `LockCache.ACCESS_STRING`.
   *
   * @throws Error that lists all invalid attributes
   */
  public static fromCacheAttributes(scope: Construct, id: string, attributes: LockCacheAttributes): ILockCache {
    return new ImportedLockCache(scope, id, attributes);
  }

  /** The network connections of the cache. */
  public readonly connections: ec2.Connections;
  /** How long the lock of a completed execution is kept. */
  public readonly retention: Duration;
  /** Name of the cache. */
  public readonly cacheName: string;
  /** ARN of the cache. */
  public readonly cacheArn: string;
  /** Endpoint of the cache: `<host name>:<port>`. */
  public readonly endpoint: string;
  /** The cache user that IAM identities connect as. */
  public readonly userName: string;
  /** How a workflow authenticates to the cache: with IAM. */
  public readonly authentication: CacheAuthentication;

  private readonly userArn: string;

  /** @throws Error that lists all invalid properties */
  constructor(scope: Construct, id: string, props: LockCacheProps) {
    super(scope, id);
    const errors = new ValidationErrors();
    const {
      vpc,
      vpcSubnets,
      retention = DEFAULT_RETENTION,
    } = checkTypes<LockCacheProps>(errors, props, TYPES, ['vpc']);
    checkRetention(errors, retention);
    const { subnets, subnetIds } = vpc?.selectSubnets({ onePerAz: true, ...vpcSubnets }) ?? {};
    if (subnets) checkZones(errors, subnets);
    errors.throwIfAny(`LockCache "${this.node.path}"`);
    // An absent VPC is an error.
    if (!subnetIds) throw new Error(`The lock cache "${this.node.path}" has no subnets.`);
    this.retention = retention;

    const { prefix, name } = nameOf(this);
    this.cacheName = name;
    this.userName = name;
    this.authentication = CacheAuthentication.iam({ cacheName: name, userName: name });
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      allowAllOutbound: false,
      description: `Lock cache ${prefix}`,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(PORT) });

    const user = new elasticache.CfnUser(this, 'User', {
      engine: 'valkey',
      // IAM authentication requires equal IDs and names.
      userId: name,
      userName: name,
      accessString: LockCache.ACCESS_STRING,
      authenticationMode: { Type: 'iam' },
    });
    const group = new elasticache.CfnUserGroup(this, 'UserGroup', {
      engine: 'valkey',
      userGroupId: `${name}-users`,
      userIds: [user.ref],
    });
    const cache = new elasticache.CfnServerlessCache(this, 'Cache', {
      engine: 'valkey',
      majorEngineVersion: '8',
      serverlessCacheName: name,
      description: 'Locks of workflow executions',
      subnetIds,
      securityGroupIds: [securityGroup.securityGroupId],
      userGroupId: group.ref,
      kmsKeyId: props.encryptionKey?.keyArn,
    });
    // A retained cache is usable only with its user group, its user and its security group.
    for (const resource of [cache, group, user, securityGroup]) {
      resource.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    }
    this.cacheArn = cache.attrArn;
    this.userArn = user.attrArn;
    this.endpoint = `${cache.attrEndpointAddress}:${cache.attrEndpointPort}`;
  }

  /**
   * Grants permission to connect to the cache, and to read and write locks. The grantee also needs network access: see `connections`.
   */
  public grantConnect(grantee: iam.IGrantable): iam.Grant {
    checkGrantee(this, grantee);
    return grantConnectTo([this.cacheArn, this.userArn], grantee);
  }
}

class ImportedLockCache extends Construct implements ILockCache {
  public readonly connections: ec2.Connections;
  public readonly endpoint: string;
  public readonly retention: Duration;
  public readonly authentication: CacheAuthentication;

  constructor(scope: Construct, id: string, attributes: LockCacheAttributes) {
    super(scope, id);
    const errors = new ValidationErrors();
    const typed = checkTypes(errors, attributes, ATTRIBUTE_TYPES, ['securityGroups', 'authentication']);
    const { endpoint = '', retention = DEFAULT_RETENTION } = typed;
    typed.authentication?._check(errors);
    checkRetention(errors, retention);
    const [, port] = /^[^:/\s]+:(\d+)$/.exec(endpoint) ?? [];
    if (port === undefined && !Token.isUnresolved(endpoint)) {
      errors.add(`Invalid endpoint "${endpoint}": expected a host name and a port, for example "host:${PORT}".`);
    }
    errors.throwIfAny(`LockCache "${this.node.path}"`);
    const { securityGroups, authentication } = attributes;
    this.endpoint = endpoint;
    this.retention = retention;
    this.authentication = authentication;
    this.connections = new ec2.Connections({ securityGroups, defaultPort: ec2.Port.tcp(Number(port ?? PORT)) });
  }

  public grantConnect(grantee: iam.IGrantable): iam.Grant {
    checkGrantee(this, grantee);
    return this.authentication._grant(this, grantee);
  }
}

function checkGrantee({ node }: IConstruct, grantee: iam.IGrantable): void {
  const errors = new ValidationErrors();
  checkTypes(errors, { grantee }, { grantee: GRANTEE }, ['grantee']);
  errors.throwIfAny(`grant of LockCache "${node.path}"`);
}

/**
 * The name of the cache, its user and, with a suffix, its user group. ElastiCache accepts up to 40 lowercase letters, digits and single hyphens,
 * and a letter first.
 *
 * The end of the stack's ID makes the name unique for each stack that is created: a cache that was retained when its stack was deleted does
 * not block the next stack of the same name.
 */
function nameOf(cache: Construct): { readonly prefix: string; readonly name: string } {
  const prefix = Names.uniqueResourceName(cache, { maxLength: 20, separator: '-' })
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  // arn:aws:cloudformation:<Region>:<account>:stack/<name>/<UUID>
  const uuid = Fn.select(2, Fn.split('/', Stack.of(cache).stackId));
  return { prefix, name: `${prefix || 'locks'}-${Fn.select(4, Fn.split('-', uuid))}` };
}

/** Skips what only the deployment knows: the subnets of a list that is a token, and the zones of imported subnets. */
function checkZones(errors: ValidationErrors, subnets: readonly ec2.ISubnet[]): void {
  if (subnets.some(({ subnetId }) => /^#\{Token\[/.test(subnetId))) return;
  const zones = subnets.map(zoneOf);
  const known = zones.filter((zone) => zone !== undefined);
  const isWithinLimits = subnets.length >= 2 && subnets.length <= 3 && new Set(known).size === known.length;
  if (isWithinLimits) return;
  errors.add(
    `Invalid vpcSubnets: selected ${subnets.length} subnets in ${new Set(known).size} Availability Zones; expected two or three subnets, each in another Availability Zone (ElastiCache limit). ` +
      'Select other subnets, for example with { availabilityZones: vpc.availabilityZones.slice(0, 3) }.',
  );
}

/** A subnet that is imported by its ID alone throws. */
function zoneOf(subnet: ec2.ISubnet): string | undefined {
  try {
    return Token.isUnresolved(subnet.availabilityZone) ? undefined : subnet.availabilityZone;
  } catch {
    return undefined;
  }
}

/**
 * Lets a function connect to a cache. The function needs no rule of its own if its security groups allow all outbound traffic; the AWS CDK
 * would ignore the rule with a warning.
 */
export function connectToCache(fn: lambda.Function, cache: ILockCache): void {
  const { defaultPort: port = ec2.Port.tcp(PORT) } = cache.connections;
  for (const own of fn.connections.securityGroups) {
    for (const target of cache.connections.securityGroups) {
      target.addIngressRule(own, port, `from ${fn.node.path}`, true);
      if (!own.allowAllOutbound) own.addEgressRule(target, port, `to ${cache.node.path}`);
    }
  }
}
