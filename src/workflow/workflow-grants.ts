import { Annotations, Token } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { LockStoreConfiguration } from '#contract';
import type { BrokerConfig } from '../brokers/broker';
import { locationOf } from '../shared/existing-resource';
import { allOf, grantTable } from '../shared/grants';
import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes, GRANTEE } from '../shared/value-types';
import type { LockStoreConfig } from '../stores/lock-store';

/** The resources that the methods of the client call. */
export interface ClientResources {
  readonly locks: LockStoreConfig<LockStoreConfiguration>;
  readonly checkpointTable: dynamodb.ITable;
  readonly eventSources: readonly BrokerConfig[];
  readonly retryQueues: readonly BrokerConfig[];
}

/** Grants the permissions that each method of the client needs. */
export class WorkflowGrants {
  private hasTasks = false;
  /** The identities that may cancel executions, until the workflow has a task. */
  private readonly cancellers: iam.IGrantable[] = [];

  constructor(
    private readonly scope: IConstruct,
    private readonly resources: ClientResources,
  ) {}

  /** A start is recorded in the lock store before it is sent. */
  public start(grantee: iam.IGrantable): iam.Grant {
    const { locks, eventSources } = this.resources;
    return this.grant(grantee, () => [
      locks.grantWrite(grantee),
      ...eventSources.map(({ grantSend }) => grantSend(grantee)),
    ]);
  }

  public send(grantee: iam.IGrantable): iam.Grant {
    const { locks, checkpointTable } = this.resources;
    return this.grant(grantee, () => [
      locks.grantRead(grantee),
      grantTable(checkpointTable, grantee, 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'),
      this.start(grantee),
    ]);
  }

  public describe(grantee: iam.IGrantable): iam.Grant {
    const { locks, checkpointTable } = this.resources;
    return this.grant(grantee, () => [
      locks.grantRead(grantee),
      grantTable(checkpointTable, grantee, 'GetItem', 'Query'),
    ]);
  }

  public resume(grantee: iam.IGrantable): iam.Grant {
    const { locks, checkpointTable, eventSources, retryQueues } = this.resources;
    return this.grant(grantee, () => [
      locks.grantRead(grantee),
      ...[...eventSources, ...retryQueues].flatMap(({ grantReadBack }) => grantReadBack?.(grantee) ?? []),
      grantTable(checkpointTable, grantee, 'DeleteItem', 'GetItem', 'Query'),
      this.start(grantee),
    ]);
  }

  /** With tasks, the client also sends an envelope that makes the function stop the task of a canceled execution. */
  public cancel(grantee: iam.IGrantable): iam.Grant {
    const { locks, checkpointTable } = this.resources;
    return this.grant(grantee, () => {
      if (!this.hasTasks) this.cancellers.push(grantee);
      return [
        locks.grantRead(grantee),
        locks.grantWrite(grantee),
        grantTable(checkpointTable, grantee, 'BatchWriteItem', 'GetItem', 'Query', 'UpdateItem'),
        ...(this.hasTasks ? [this.start(grantee)] : []),
      ];
    });
  }

  public redrive(grantee: iam.IGrantable): iam.Grant {
    const { locks, checkpointTable } = this.resources;
    return this.grant(grantee, () => [
      locks.grantRead(grantee),
      locks.grantWrite(grantee),
      grantTable(checkpointTable, grantee, 'GetItem', 'UpdateItem'),
      this.start(grantee),
    ]);
  }

  /** To be called when a task is added: extends the earlier grants of {@link cancel}. */
  public taskAdded(): void {
    this.hasTasks = true;
    for (const canceller of this.cancellers.splice(0)) this.start(canceller);
  }

  /** Grants nothing to an identity of another account: the client addresses tables and streams by name, as AWS requires within an account. */
  private grant(grantee: iam.IGrantable, grants: () => [iam.Grant, ...iam.Grant[]]): iam.Grant {
    const errors = new ValidationErrors();
    checkTypes(errors, { grantee }, { grantee: GRANTEE }, ['grantee']);
    errors.throwIfAny(`grant of workflow "${this.scope.node.path}"`);
    const { principalAccount: account } = grantee.grantPrincipal;
    const { account: own } = locationOf(this.resources.checkpointTable);
    if (account === undefined || account === own || Token.isUnresolved(account) || Token.isUnresolved(own)) {
      return allOf(...grants());
    }
    const reason =
      `Account ${account} can have no permissions on the workflow of account ${own}: a client addresses the tables by name, which AWS resolves in the account of the caller. ` +
      `Grant them to a role of account ${own}, and let account ${account} assume it.`;
    Annotations.of(this.scope).addWarningV2('cdk-lambda-fsm:foreignAccount', reason);
    return iam.Grant.drop(grantee, reason);
  }
}
