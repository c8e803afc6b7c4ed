import { WorkflowClient } from 'cdk-lambda-fsm/client';

/** The permissions that a workflow grants. */
export const RIGHTS = ['start', 'send', 'describe', 'resume', 'cancel', 'redrive'] as const;
export type Right = (typeof RIGHTS)[number];

/** A call of the client that a caller makes. */
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
  // The test passes the arguments of the method, as JSON.
  return (client[method] as (...given: readonly unknown[]) => Promise<unknown>).apply(client, args as unknown[]);
}
