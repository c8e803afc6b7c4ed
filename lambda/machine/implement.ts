import type { Action, Actions, Implementation, Json, JsonObject, Run } from './action';
import type { MachineInput } from './input';

/** The signature of {@link implement}. */
export interface Implement {
  /** Gives a machine the code of its actions. Their context is any JSON object. */
  <M extends MachineInput>(machine: M, actions: ActionsOf<M>): Implementation;

  /**
   * The same for a context of a type of one's own: `implement.for<OrderContext>()(order, { … })`. It must be a type that JSON can hold:
   * dates, maps, functions and bigints are compile errors.
   */
  for<Context extends JsonProperties<Context>>(): <M extends MachineInput>(machine: M, actions: ActionsOf<M, Context>) => Implementation;
}

/**
 * Gives a machine the code of its actions.
 *
 * The compiler refuses an action that is missing or that the machine does not name, a `do` action that can return an event which one of its
 * states does not handle, and an entry, exit or transition action that returns anything.
 *
 * ```ts
 * export default implement.for<OrderContext>()(order, {
 *   charge: async (context, run) => await pay(context.card, run.idempotencyKey) ? 'charged' : 'declined',
 * });
 * ```
 */
export const implement: Implement = Object.assign(
  (machine: MachineInput, actions: object) => ({ machine, actions: forgetTypes(actions) }),
  { for: () => (machine: MachineInput, actions: object) => ({ machine, actions: forgetTypes(actions) }) },
);

/**
 * The code of actions for machines that the compiler does not know, such as those from YAML files. The names may be any text.
 *
 * ```ts
 * export default defineActions<OrderContext>({
 *   'orders.actions.Charge': async (context, run) => 'charged',
 * });
 * ```
 */
export function defineActions<Context extends JsonProperties<Context> = JsonObject>(
  actions: Readonly<Record<string, Action<Context>>>,
): Actions {
  return forgetTypes(actions);
}

/**
 * The actions of a machine by name, each with the context that it gets and the events that it may return. A `do` action is an async
 * function: of others, the compiler would take `'paid'` for just any text.
 */
export type ActionsOf<M extends MachineInput, Context = JsonObject> = {
  readonly [Name in ActionNames<M>]: Name extends SilentNames<M> ? Action<Context, never>
    : (context: Context, run: Run) => Promise<HandledByAll<StatesDoing<M, Name>> | void>;
};

/** A type with the same properties, as they must be for JSON to hold them. Where one is not, the type that is expected tells why. */
export type JsonProperties<T> = { readonly [P in keyof T]: JsonOf<T[P]> };

type JsonOf<T> =
  unknown extends T ? T : T extends Json | undefined ? T
    : T extends (...parameters: never[]) => unknown ? 'JSON has no functions'
      : T extends bigint | symbol ? 'JSON has neither bigints nor symbols: use a number or text'
        : T extends Date ? 'JSON has no dates: use text (toISOString) or a number (getTime)'
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> ? 'JSON has neither maps nor sets: use an object or an array'
            : JsonProperties<T>;

type StateOf<M extends MachineInput> = M['states'][keyof M['states']];

/** Of a machine whose names the compiler does not know, any name may be meant. */
type ActionNames<M extends MachineInput> = string extends keyof M['states'] ? string : NameOf<StateOf<M>, 'do'> | SilentNames<M>;

type NameOf<S, Kind extends 'entry' | 'do' | 'exit'> = S extends { readonly [K in Kind]: infer Name extends string } ? Name : never;

/** The actions that may not return an event. */
type SilentNames<M extends MachineInput> = NameOf<StateOf<M>, 'entry'> | NameOf<StateOf<M>, 'exit'> | TransitionNames<StateOf<M>>;

type TransitionNames<S> =
  | (S extends { readonly on: infer On } ? ActionIn<On[keyof On]> : never)
  | (S extends { readonly catch: infer Catch } ? ActionIn<Catch> : never);

type ActionIn<T> = T extends { readonly action: infer Name extends string } ? Name : never;

type StatesDoing<M extends MachineInput, Name extends string> =
  string extends Name ? { readonly on: Record<string, unknown> } : Extract<StateOf<M>, { readonly do: Name }>;

/** The events that each of these states handles. What the do action of a final state returns would be for nobody. */
type HandledByAll<S> = [S] extends [never] ? never
  : (S extends unknown ? (event: HandledBy<S>) => void : never) extends (event: infer Event extends string) => void ? Event : never;

type HandledBy<S> = S extends { readonly on: infer On } ? keyof On & string : never;

/**
 * What happens at run time needs no types: the engine hands each execution's context to the actions of its machine, and checks every event
 * that they return. That the types fit together, the callers' signatures have proved.
 */
function forgetTypes(actions: object): Actions {
  return actions as Actions;
}
