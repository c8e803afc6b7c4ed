/** The environment variable of the workflow's function that holds its tasks: JSON of {@link EcsTasks}. */
export const ECS_TASKS_VARIABLE = 'FSM_ECS_TASKS';

/** The tasks of a workflow by the names of their actions. */
export type EcsTasks = Readonly<Record<string, EcsTaskConfiguration>>;

/** How the task of an action is run, and what follows from its end. The construct renders it at synth. */
export interface EcsTaskConfiguration {
  /** ARN. */
  readonly cluster: string;
  /** ARN, with the revision. */
  readonly taskDefinition: string;
  /** The container that does the work. */
  readonly container: string;
  /** What the `startedBy` of these tasks begins with, before a slash: by it their events are known. At most 84 characters. */
  readonly startedBy: string;
  /** The event of the machine when the container has ended with 0. */
  readonly onSuccess: string;
  /** The event of the machine when it has ended otherwise, or never started. */
  readonly onFailure: string;
  readonly launchType?: 'EC2' | 'EXTERNAL' | 'FARGATE';
  readonly capacityProviders?: readonly { readonly capacityProvider: string; readonly base?: number; readonly weight?: number }[];
  readonly network?: { readonly subnets: readonly string[]; readonly securityGroups: readonly string[]; readonly assignPublicIp: boolean };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Which members of the context the container gets; all when left out. */
  readonly context?: readonly string[];
}

/** @returns no tasks when the variable is not set */
export function readEcsTasks(text: string | undefined): EcsTasks {
  // Only the construct writes the variable.
  return text ? JSON.parse(text) as EcsTasks : {};
}
