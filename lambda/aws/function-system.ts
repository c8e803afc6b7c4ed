import { EmbeddedMetrics } from './cloudwatch/embedded-metrics';
import { defaultSystem, type System } from './system';

/** The system of the workflow's function. It publishes metrics through the log, in the embedded metric format of CloudWatch. */
export function functionSystem(workflow: string): System {
  const system = defaultSystem();
  return {
    ...system,
    metrics: new EmbeddedMetrics(workflow, system.clock),
  };
}
