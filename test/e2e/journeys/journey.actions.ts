import { journey } from './journey.machine';
import { implement, type Run } from 'cdk-lambda-fsm/runtime';

export interface JourneyContext {
  /** Number of attempts at the change that fail. */
  readonly missed: number;
  /** Whether the traveler dozes, and waits for the timeout. */
  readonly tired?: boolean;
  /** The actions that have run, in order. */
  trail: string[];
  /** The caller, taken from the data of the event. */
  caller?: string;
}

function record(context: JourneyContext, action: string): void {
  context.trail.push(action);
}

export default implement.for<JourneyContext>()(journey, {
  depart: async (context) => {
    record(context, 'depart');
    return 'departed';
  },
  change: async (context, run: Run) => {
    record(context, 'change');
    if (run.attempt < context.missed) throw new Error('The train has left.');
    return context.tired ? 'tired' : 'changed';
  },
  rest: async (context) => record(context, 'rest'),
  rise: async (context, run) => {
    record(context, 'rise');
    if (run.data !== undefined) context.caller = String(run.data);
  },
  arrive: async (context) => {
    record(context, 'arrive');
    return 'arrived';
  },
  unpack: async (context) => record(context, 'unpack'),
});
