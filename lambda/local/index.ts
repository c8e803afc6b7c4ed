import type { Local, LocalOptions } from './local';
import { RunningStack } from './stack/running-stack';
import { readStack } from './template/assembly';
import { Template } from './template/template';

export type { Faults, HitRequest } from './servers/fault-proxy';
export type { Local, LocalOptions } from './local';
export type { MetricSums } from './function/metrics';

/**
 * Runs a stack locally: its tables, queues, streams and topics on embedded servers, its functions in worker threads, and its Amazon ECS tasks
 * as processes. It also does the work of AWS between them: event source mappings, subscriptions, rules and schedules.
 *
 * @throws Error if the cloud assembly cannot be read, or the stack requires something that the local runner does not support
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
