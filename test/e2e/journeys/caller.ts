import { WorkflowClient } from 'cdk-lambda-fsm/client';

/** What the workflow's grants are for. */
export const RIGHTS = ['start', 'send', 'describe', 'resume', 'cancel', 'redrive'] as const;
export type Right = typeof RIGHTS[number];

/** What a function of a user's own is asked to do with a workflow. */
export interface Call {
  /** The workflow's `clientConfiguration`. */
  readonly configuration: string;
  readonly method: 'start' | 'startMany' | 'send' | 'describe' | 'resume' | 'cancel' | 'redrive';
  readonly arguments: readonly unknown[];
}

const clients = new Map<string, WorkflowClient>();

export async function handler({ configuration, method, arguments: args }: Call): Promise<unknown> {
  const client = clients.get(configuration) ?? new WorkflowClient(configuration);
  clients.set(configuration, client);
  // The test passes the method's own arguments, as JSON.
  return (client[method] as (...given: readonly unknown[]) => Promise<unknown>).apply(client, args as unknown[]);
}
