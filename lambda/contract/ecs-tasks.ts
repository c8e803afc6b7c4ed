/** The tasks of a workflow by action name. */
export type EcsTasks = Readonly<Record<string, EcsTaskConfiguration>>;

/** The Amazon ECS task that an action runs, and the events that its end sends. The construct renders it at synth. */
export interface EcsTaskConfiguration {
  /** ARN. */
  readonly cluster: string;
  /** ARN, with the revision. */
  readonly taskDefinition: string;
  /** The container that does the work. */
  readonly container: string;
  /**
   * The prefix of the `startedBy` of these tasks, which identifies their events. At most {@link MAX_STARTED_BY_PREFIX_LENGTH} characters; the
   * runtime appends {@link STARTED_BY_SEPARATOR} and a hash of the step.
   */
  readonly startedBy: string;
  /** The event that the execution receives if the container exits with 0. */
  readonly onSuccess: string;
  /** The event that the execution receives if the container exits with any other code or never starts. */
  readonly onFailure: string;
  readonly launchType?: TaskLaunchType;
  readonly capacityProviders?: readonly {
    readonly capacityProvider: string;
    readonly base?: number;
    readonly weight?: number;
  }[];
  readonly network?: TaskNetworkConfiguration;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The members of the context that the container receives. None by default. */
  readonly context?: readonly string[];
}

export type TaskLaunchType = 'EC2' | 'EXTERNAL' | 'FARGATE';

export interface TaskNetworkConfiguration {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: boolean;
}

/**
 * The tag of each task. Its value is {@link EcsTaskConfiguration.startedBy}, so that a policy can name the tasks of one action.
 */
export const TASK_TAG = 'cdk-lambda-fsm:started-by';

/** Separates the prefix of a task's `startedBy` from the hash of its step. */
export const STARTED_BY_SEPARATOR = '/';

/**
 * The maximum length of the prefix of `startedBy`: the 128 characters that Amazon ECS accepts, less the separator and the 43 characters of
 * the hash.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
 */
export const MAX_STARTED_BY_PREFIX_LENGTH = 128 - STARTED_BY_SEPARATOR.length - 43;

/**
 * Takes the place of a value in the file of the tasks. The value is known only at deployment, so the environment of the function holds it:
 * this is its index in the list.
 */
export interface DeployTimeValue {
  readonly $value: number;
}

/**
 * Reads the tasks.
 *
 * @param file the contents of the file with the tasks; without it, there are no tasks
 * @param values the environment variable with the values that are known only at deployment
 */
export function readEcsTasks(file: string | undefined, values: string | undefined): EcsTasks {
  // Only the construct writes both.
  const deployed = JSON.parse(values ?? '[]') as readonly unknown[];
  const insertValue = (_: string, member: unknown) => (isDeployTimeValue(member) ? deployed[member.$value] : member);
  return file === undefined ? {} : (JSON.parse(file, insertValue) as EcsTasks);
}

function isDeployTimeValue(member: unknown): member is DeployTimeValue {
  return typeof member === 'object' && member !== null && '$value' in member && typeof member.$value === 'number';
}
