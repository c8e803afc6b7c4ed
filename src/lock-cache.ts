import { Names, RemovalPolicy, Token, type Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, type IConstruct } from 'constructs';
import { grantConnectTo } from './access';
import { CacheAuthentication } from './cache-authentication';
import { Problems } from './problems';
import { checkRetention, DEFAULT_RETENTION } from './workflow-table';

/** How a lock cache is made. */
export interface LockCacheProps {
  /** The network that the cache is in. The workflow's function must be in it, too, or in one that is connected to it. */
  readonly vpc: ec2.IVpc;
  /**
   * The subnets of the network through which the cache is reached: in two or three Availability Zones.
   *
   * @default - the private ones, one in each Availability Zone
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * A key of your own to encrypt the cache with. It cannot be changed later.
   *
   * @default - a key that AWS owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * What happens to the cache, its user and its security group when its stack is deleted or it is replaced.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long the lock of an execution that has completed is kept, and with it the knowledge that this execution has run. The lock of an
   * execution that is parked or has failed is kept without limit.
   *
   * Valid range: whole days, 15 to 3650. The least is longer than the 14 days for which a queue can deliver an old message again, which
   * must still be recognised.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

/** Where a workflow keeps the lease and the latest step of each execution, if not in a table. */
export interface ILockCache extends IConstruct, ec2.IConnectable {
  /** Host name and port of the cache, with a colon between them. */
  readonly endpoint: string;
  /** How long the lock of an execution that has completed is kept. */
  readonly retention: Duration;
  /** How a workflow proves to the cache who it is. */
  readonly authentication: CacheAuthentication;
  /** Lets someone connect to the cache, and read and write locks. The network must let it in, too, see `connections`. */
  grantConnect(grantee: iam.IGrantable): iam.Grant;
}

/** A cache that exists already. */
export interface LockCacheAttributes {
  /** Host name and port, with a colon between them: of a serverless cache its endpoint, of a replication group its primary endpoint. */
  readonly endpoint: string;
  /** The security groups that the cache is reached through. */
  readonly securityGroups: ec2.ISecurityGroup[];
  /** How the workflow proves to the cache who it is. */
  readonly authentication: CacheAuthentication;
  /**
   * How long the lock of an execution that has completed is kept, as with a new cache.
   *
   * Valid range: whole days, 15 to 3650.
   *
   * @default Duration.days(30)
   */
  readonly retention?: Duration;
}

/** The commands and keys that the adapter of the runtime needs. */
const ACCESS_STRING = 'on ~lock:* -@all +@connection +eval +evalsha +hget +hmget +hgetall +hset +hsetnx +hdel +hincrby +persist +expireat';

/** The port on which a serverless cache takes writes. */
const PORT = 6379;

/**
 * A serverless cache of ElastiCache for Valkey that holds one small hash for each execution: who may run it now, and how far it has come.
 * An alternative to a {@link LockTable}: it answers within a millisecond, and its price goes with memory and traffic rather than with
 * writes.
 *
 * A cache forgives less than a table: its copies follow a moment later, so a failover of the cache may lose what was written last, and a
 * loss of the cache loses all of it. What an execution may suffer then is told in docs/lock-stores.md. Where no step may ever run twice at
 * once, use a LockTable.
 *
 * Connections are encrypted, and authenticated by IAM: there is no password. A client that sends events to executions or looks into them
 * must be in the network, and let in: `fn.connections.allowToDefaultPort(lockCache)`.
 */
export class LockCache extends Construct implements ILockCache {
  /** What the user of a cache must be allowed, and need not be more: an access string of Valkey and Redis OSS. */
  public static readonly ACCESS_STRING = ACCESS_STRING;

  /**
   * Uses a cache that exists already, in the account and Region of the workflow: a serverless cache, or a replication group whose cluster
   * mode is disabled, of Valkey or of Redis OSS from version 7 on, with encryption in transit. It must never evict a key that has no time
   * to live: its parameter `maxmemory-policy` is `volatile-lru` or `noeviction`. No one else may use keys that begin with `lock:`.
   *
   * What its user may do must be at least `LockCache.ACCESS_STRING`.
   *
   * @throws Error that lists all that is wrong with the attributes
   */
  public static fromCacheAttributes(scope: Construct, id: string, attributes: LockCacheAttributes): ILockCache {
    return new ImportedLockCache(scope, id, attributes);
  }

  /** The network connections of the cache. */
  public readonly connections: ec2.Connections;
  /** How long the lock of an execution that has completed is kept. */
  public readonly retention: Duration;
  /** Name of the cache. */
  public readonly cacheName: string;
  /** ARN of the cache. */
  public readonly cacheArn: string;
  /** Host name and port of the cache, with a colon between them. */
  public readonly endpoint: string;
  /** The user of the cache as whom IAM identities connect. */
  public readonly userName: string;
  /** How a workflow proves to the cache who it is: by IAM. */
  public readonly authentication: CacheAuthentication;

  private readonly userArn: string;

  /** @throws Error that lists all that is wrong with the properties */
  constructor(scope: Construct, id: string, props: LockCacheProps) {
    super(scope, id);
    this.retention = props.retention ?? DEFAULT_RETENTION;
    const { subnetIds, availabilityZones } = props.vpc.selectSubnets({ onePerAz: true, ...props.vpcSubnets });
    const problems = new Problems();
    checkRetention(problems, this.retention);
    checkZones(problems, subnetIds, availabilityZones);
    problems.refuse(`LockCache "${this.node.path}"`);

    // ElastiCache takes up to 40 letters, digits and single hyphens, and keeps small letters. Seven are left for the name of the group.
    const name = Names.uniqueResourceName(this, { maxLength: 33, separator: '-' }).toLowerCase();
    this.cacheName = name;
    this.userName = name;
    this.authentication = CacheAuthentication.iam({ cacheName: name, userName: name });
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc, allowAllOutbound: false, description: `Lock cache ${name}`,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(PORT) });

    const user = new elasticache.CfnUser(this, 'User', {
      engine: 'valkey',
      // ElastiCache wants one name for both where IAM authenticates.
      userId: name,
      userName: name,
      accessString: LockCache.ACCESS_STRING,
      authenticationMode: { Type: 'iam' },
    });
    const group = new elasticache.CfnUserGroup(this, 'UserGroup', { engine: 'valkey', userGroupId: `${name}-users`, userIds: [user.ref] });
    const cache = new elasticache.CfnServerlessCache(this, 'Cache', {
      engine: 'valkey',
      majorEngineVersion: '8',
      serverlessCacheName: name,
      description: 'Locks of the executions of a workflow',
      subnetIds,
      securityGroupIds: [securityGroup.securityGroupId],
      userGroupId: group.ref,
      kmsKeyId: props.encryptionKey?.keyArn,
    });
    // A cache that stays keeps what it is reached and used by.
    for (const resource of [cache, group, user, securityGroup]) resource.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.cacheArn = cache.attrArn;
    this.userArn = user.attrArn;
    this.endpoint = `${cache.attrEndpointAddress}:${cache.attrEndpointPort}`;
  }

  /** Lets someone connect to the cache, and read and write locks. The network must let it in, too, see `connections`. */
  public grantConnect(grantee: iam.IGrantable): iam.Grant {
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
    const { endpoint, securityGroups, authentication, retention = DEFAULT_RETENTION } = attributes;
    const problems = new Problems();
    checkRetention(problems, retention);
    const [, port] = /^[^:/\s]+:(\d+)$/.exec(endpoint) ?? [];
    if (port === undefined && !Token.isUnresolved(endpoint)) {
      problems.add(`endpoint must be a host name and a port, as in "host:${PORT}", but is "${endpoint}".`);
    }
    problems.refuse(`LockCache "${this.node.path}"`);
    this.endpoint = endpoint;
    this.retention = retention;
    this.authentication = authentication;
    this.connections = new ec2.Connections({ securityGroups, defaultPort: ec2.Port.tcp(Number(port ?? PORT)) });
  }

  public grantConnect(grantee: iam.IGrantable): iam.Grant {
    return this.authentication._grant(this, grantee);
  }
}

/** The zones of subnets that are known at deployment only are left to AWS. */
function checkZones(problems: Problems, subnetIds: readonly string[], availabilityZones: readonly string[]): void {
  const zones = new Set(availabilityZones);
  if (subnetIds.length < 2 || subnetIds.length > 3 || zones.size < subnetIds.length) {
    problems.add(
      `vpcSubnets must be two or three subnets, each in another Availability Zone (the limit of ElastiCache), but are ${subnetIds.length} in ${zones.size}. ` +
      'Select others, as with { availabilityZones: vpc.availabilityZones.slice(0, 3) }.',
    );
  }
}
