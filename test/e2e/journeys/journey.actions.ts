import { journey } from './journey.machine';
import { implement, type Run } from 'cdk-lambda-fsm/runtime';

export interface JourneyContext {
  /** How many attempts at the change fail. */
  readonly missed: number;
  /** Whether it takes a nap on the way. */
  readonly tired?: boolean;
  /** All that has happened, in order. */
  trail: string[];
  /** Who has called. */
  caller?: string;
}

function happened(context: JourneyContext, action: string): void {
  context.trail.push(action);
}

export default implement.for<JourneyContext>()(journey, {
  depart: async (context) => {
    happened(context, 'depart');
    return 'departed';
  },
  change: async (context, run: Run) => {
    happened(context, 'change');
    if (run.attempt < context.missed) throw new Error('The train has left.');
    return context.tired ? 'tired' : 'changed';
  },
  rest: async (context) => happened(context, 'rest'),
  rise: async (context, run) => {
    happened(context, 'rise');
    if (run.data !== undefined) context.caller = String(run.data);
  },
  arrive: async (context) => {
    happened(context, 'arrive');
    return 'arrived';
  },
  unpack: async (context) => happened(context, 'unpack'),
});
