import type { Backoff, TimeLimit, Timeout } from './definition';
import type { CatchInput, MachineInput, StateInput, TransitionInput } from './input';
import type { EventsOf, JsonProperties, TypedMachine } from './types';

/** The signature of {@link defineMachine}. */
export interface DefineMachine {
  /** Defines a machine. Its context is any JSON object, and its events carry any JSON data. */
  <const M extends MachineInput & CheckedMachine<M>>(machine: M): M;

  /**
   * Defines a machine, and declares the types of its context and of the data of its events. Its actions and `WorkflowClient` then know them:
   *
   * ```ts
   * export const order = defineMachine.for<{ context: Order; events: { paid: { cents: number } } }>()({ … });
   * ```
   *
   * JSON must be able to represent the types: dates, maps, sets, functions, symbols and bigints are compile errors. An event that is not
   * listed carries no data. Nothing checks values at run time, so validate data that a client did not type.
   */
  for<Types extends CheckedTypes<Types>>(): <
    const M extends MachineInput & CheckedMachine<M> & CheckedEvents<M, Types>,
  >(
    machine: M,
  ) => M & TypedMachine<Types>;
}

/**
 * Defines a machine in TypeScript, and returns it unchanged. The compiler rejects target and initial states that do not exist, transitions
 * from a final state, timeout events that the state does not handle, and unknown properties.
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
 * A workflow checks everything else, such as unreachable states, when the CDK app is synthesized. To check a machine in a test, call
 * `validate`.
 */
export const defineMachine: DefineMachine = Object.assign(<M extends MachineInput>(machine: M): M => machine, {
  for:
    () =>
    <M extends MachineInput>(machine: M): M =>
      machine,
});

/** The declared types, if JSON can represent them. If not, the expected type is a text that states the reason. */
type CheckedTypes<Types> = {
  readonly [P in keyof Types]: P extends 'context' | 'events'
    ? JsonProperties<Types[P]>
    : "Unknown property of a machine's types: expected context or events";
};

/** The machine must handle each event whose data is declared. */
type CheckedEvents<M extends MachineInput, Types> = Types extends { readonly events: infer Events }
  ? [Exclude<keyof Events & string, EventsOf<M>>] extends [never]
    ? unknown
    : { readonly states: `No state handles the declared event "${Exclude<keyof Events & string, EventsOf<M>>}"` }
  : unknown;

/**
 * The type that a machine must have for its names to be consistent. If they are not, the expected type is a text that states the reason.
 */
type CheckedMachine<M> = {
  readonly [P in keyof M]: P extends 'states'
    ? { readonly [S in keyof M[P]]: CheckedState<M[P][S], keyof M[P] & string> }
    : P extends 'initial'
      ? StateNames<M>
      : Known<P, MachineInput, 'Unknown property of a machine'>;
};

type StateNames<M> = M extends { readonly states: infer States } ? keyof States & string : string;

type CheckedState<S, Target extends string> = {
  readonly [P in keyof S]: P extends 'on'
    ? S extends Final
      ? 'A final state cannot have transitions'
      : { readonly [E in keyof S[P]]: CheckedTransition<S[P][E], Target> }
    : P extends 'catch'
      ? S extends Final
        ? 'A final state cannot have a catch transition'
        : CheckedCatch<S[P], Target>
      : P extends 'timeout'
        ? S extends Final
          ? 'A final state cannot have a timeout'
          : CheckedTimeout<S, S[P]>
        : P extends 'backoff'
          ? { readonly [B in keyof S[P]]: Known<B, Backoff, 'Unknown property of a backoff'> }
          : P extends 'timeLimit'
            ? { readonly [L in keyof S[P]]: Known<L, TimeLimit, 'Unknown property of a time limit'> }
            : Known<P, StateInput, 'Unknown property of a state'>;
};

type CheckedTransition<T, Target extends string> = T extends string
  ? Target
  : TransitionInput<Target> & {
      readonly [P in keyof T]: Known<P, TransitionInput<Target>, 'Unknown property of a transition'>;
    };

type CheckedCatch<T, Target extends string> = T extends string
  ? Target
  : CatchInput<Target> & {
      readonly [P in keyof T]: Known<P, CatchInput<Target>, 'Unknown property of a catch transition'>;
    };

/** The state must handle the event. */
type CheckedTimeout<S, T> = {
  readonly [P in keyof T]: P extends 'event'
    ? S extends { readonly on?: infer On }
      ? TimeoutEvents<On>
      : never
    : Known<P, Timeout, 'Unknown property of a timeout'>;
};

type TimeoutEvents<On> = unknown extends On
  ? 'A state without transitions cannot have a timeout'
  : keyof NonNullable<On>;

type Known<P, Shape, Refusal> = P extends keyof Shape ? Shape[P] : Refusal;

type Final = { readonly final: true };
