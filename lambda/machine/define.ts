import type { Backoff, Timeout } from './definition';
import type { CatchInput, MachineInput, StateInput, TransitionInput } from './input';

/**
 * Defines a machine in TypeScript. It returns its argument as it is; what it adds is that the compiler refuses a target or an initial state
 * that is no state, a transition out of a final state, and a property that does not exist.
 *
 * ```ts
 * export const order = defineMachine({
 *   name: 'order',
 *   initial: 'charging',
 *   states: {
 *     charging: { do: 'charge', on: { charged: 'shipped', declined: 'cancelled' } },
 *     shipped: { final: true },
 *     cancelled: { final: true },
 *   },
 * });
 * ```
 *
 * What a compiler cannot see (states that no path leads to, for one) is found when the machine is given to a workflow, or by `validate`.
 */
export function defineMachine<const M extends MachineInput & CheckedMachine<M>>(machine: M): M {
  return machine;
}

/** What a machine must look like for its own names to fit together. Where they do not, the type that is expected tells why. */
type CheckedMachine<M> = {
  readonly [P in keyof M]:
  P extends 'states' ? { readonly [S in keyof M[P]]: CheckedState<M[P][S], keyof M[P] & string> }
    : P extends 'initial' ? StateNames<M>
      : Known<P, MachineInput, 'A machine has no such property'>
};

type StateNames<M> = M extends { readonly states: infer States } ? keyof States & string : string;

type CheckedState<S, Target extends string> = {
  readonly [P in keyof S]:
  P extends 'on' ? (S extends Final ? 'A final state has no transitions' : { readonly [E in keyof S[P]]: CheckedTransition<S[P][E], Target> })
    : P extends 'catch' ? (S extends Final ? 'A final state has no catch transition' : CheckedCatch<S[P], Target>)
      : P extends 'timeout' ? (S extends Final ? 'A final state has no timeout' : CheckedTimeout<S, S[P]>)
        : P extends 'backoff' ? { readonly [B in keyof S[P]]: Known<B, Backoff, 'A backoff has no such property'> }
          : Known<P, StateInput, 'A state has no such property'>
};

type CheckedTransition<T, Target extends string> = T extends string ? Target : TransitionInput<Target> & {
  readonly [P in keyof T]: Known<P, TransitionInput<Target>, 'A transition has no such property'>
};

type CheckedCatch<T, Target extends string> = T extends string ? Target : CatchInput<Target> & {
  readonly [P in keyof T]: Known<P, CatchInput<Target>, 'A catch transition has no such property'>
};

/** The event must be one that the state handles. */
type CheckedTimeout<S, T> = {
  readonly [P in keyof T]:
  P extends 'event' ? (S extends { readonly on?: infer On } ? EventsOf<On> : never)
    : Known<P, Timeout, 'A timeout has no such property'>
};

type EventsOf<On> = unknown extends On ? 'A state without transitions has no timeout' : keyof NonNullable<On>;

type Known<P, Shape, Refusal> = P extends keyof Shape ? Shape[P] : Refusal;

type Final = { readonly final: true };
