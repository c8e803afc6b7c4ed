import { readStack } from './assembly';
import type { Local, LocalOptions } from './local';
import { RunningStack } from './running-stack';
import { Template } from './template';

export type { Faults, HitRequest } from './fault-proxy';
export type { Local, LocalOptions } from './local';
export type { MetricSums } from './metrics';

/**
 * Runs a stack on this machine: its tables, queues, streams and topics on embedded servers, its functions in threads, the tasks of Amazon
 * ECS as processes, and what AWS does between them.
 *
 * @throws Error when the assembly cannot be read, or the stack needs something that the runner does not provide
 */
export async function startLocal(options: LocalOptions): Promise<Local> {
  const template = new Template(readStack(options.assembly, options.stack));
  const stack = await RunningStack.start(options);
  try {
    await stack.run(template);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}
