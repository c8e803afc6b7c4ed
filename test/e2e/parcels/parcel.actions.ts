import { parcel } from './parcel.machine';
import { implement } from 'cdk-lambda-fsm/machine';

/** What the scenarios tell a parcel, and what it tells them. */
export interface ParcelContext {
  readonly kilograms: number;
  /** How many attempts to deliver it fail. @default 0 */
  readonly absences?: number;
  /** No attempt to sort it succeeds. @default false */
  readonly illegible?: boolean;
  /** What was done to it, in order. */
  trace: string[];
}

export default implement.for<ParcelContext>()(parcel, {
  receive: (context) => { context.trace.push('received'); },
  weigh: async (context) => {
    context.trace.push('weighed');
    return context.kilograms > 30 ? 'heavy' : 'light';
  },
  label: (context) => { context.trace.push('labelled'); },
  flag: (context) => { context.trace.push('flagged'); },
  sign: (context, run) => { context.trace.push(`signed by ${String(run.data)}`); },
  sort: async (context) => {
    if (context.illegible) throw new Error('The address is illegible.');
    context.trace.push('sorted');
    return 'sorted';
  },
  load: (context) => { context.trace.push('loaded'); },
  deliver: async (context, run) => {
    if (run.attempt < (context.absences ?? 0)) throw new Error('Nobody is at home.');
    context.trace.push('delivered');
    return 'delivered';
  },
  apologize: (context, run) => { context.trace.push(`apologized: ${run.error?.message} after ${run.error?.attempts} attempts`); },
});
