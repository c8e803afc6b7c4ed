import type { Action, Actions, Implementation, Json, JsonObject, Run } from './action';
import type { MachineInput } from './input';
import type { ContextOf, DataOf, HandledBy, JsonProperties, TypedMachine } from './types';

/** The signature of {@link implement}. */
export interface Implement {
  /** Combines a machine with the code of its actions. Their context has the type that the machine declares, or is any JSON object. */
  <M extends MachineInput>(machine: M, actions: ActionsOf<M>): Implementation<M>;

  /**
   * Combines a machine with the code of its actions, whose context has the given type: `implement.for<OrderContext>()(order, { … })`. The
   * type must be one that JSON can represent: dates, maps, sets, functions, symbols and bigints are compile errors.
   */
  for<Context extends JsonProperties<Context>>(): <M extends MachineInput>(
    machine: M,
    actions: ActionsOf<M, Context>,
  ) => Implementation<M & TypedMachine<{ readonly context: Context }>>;
}

/**
 * Combines a machine with the code of its actions.
 *
 * The compiler rejects missing and unknown actions, a `do` action that can return an event that its state does not handle, and an entry,
 * exit or transition action that returns an event.
 *
 * ```ts
 * export default implement.for<OrderContext>()(order, {
 *   charge: async (context, run) => await pay(context.card, run.idempotencyKey) ? 'charged' : 'declined',
 * });
 * ```
 */
export const implement: Implement = Object.assign(combine, { for: () => combine });

function combine<M extends MachineInput>(machine: M, actions: object): Implementation<M> {
  return { machine, actions: eraseTypes(actions) };
}

/**
 * Types the actions of machines that the compiler cannot see, such as machines from YAML files. Any name is allowed.
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
  return eraseTypes(actions);
}

/**
 * The actions of a machine by name, each with the type of its context, the events that it may return, and the data of the event that it runs
 * for. A `do` action is an async function.
 */
export type ActionsOf<M extends MachineInput, Context = ContextOf<M>> = {
  readonly [Name in ActionNames<M>]: Name extends SilentNames<M>
    ? Action<Context, never, ActionData<M, Name>>
    : DoAction<Context, ActionData<M, Name>, HandledByAll<StatesDoing<M, Name>> | void>;
};

/** The second type of the result is there for the compiler's message: it tells the author of another function what to change. */
type DoAction<Context, Data, Event> = (context: Context, run: Run<Data>) => Promise<Event> | DoActionMustBeAsync<Event>;

/** The result of an async function. In other functions, the compiler would widen the type of a returned `'paid'` to `string`. */
export interface DoActionMustBeAsync<Event> {
  /** The method of a promise. */
  readonly then: Promise<Event>['then'];
}

type StateOf<M extends MachineInput> = M['states'][keyof M['states']];

/** Any name, for a machine whose names the compiler does not know. */
type ActionNames<M extends MachineInput> = string extends keyof M['states']
  ? string
  : NameOf<StateOf<M>, 'do'> | SilentNames<M>;

type NameOf<S, Kind extends 'entry' | 'do' | 'exit'> = S extends { readonly [K in Kind]: infer Name extends string }
  ? Name
  : never;

/** The actions that must not return an event. */
type SilentNames<M extends MachineInput> =
  NameOf<StateOf<M>, 'entry'> | NameOf<StateOf<M>, 'exit'> | TransitionNames<StateOf<M>>;

type TransitionNames<S> = (S extends { readonly on: infer On } ? ActionIn<On[keyof On]> : never) | CatchNames<S>;

type CatchNames<S> = S extends { readonly catch: infer Catch } ? ActionIn<Catch> : never;

type ActionIn<T> = T extends { readonly action: infer Name extends string } ? Name : never;

type StatesDoing<M extends MachineInput, Name extends string> = string extends Name
  ? { readonly on: Record<string, unknown> }
  : Extract<StateOf<M>, { readonly do: Name }>;

/** The events that all of these states handle. The do action of a final state returns none. */
type HandledByAll<S> = [S] extends [never]
  ? never
  : (S extends unknown ? (event: HandledBy<S>) => void : never) extends (event: infer Event extends string) => void
    ? Event
    : never;

/** The data of the events that an action runs for. Any event may lead to an entry, do or exit action; a catch transition has no data. */
type ActionData<M extends MachineInput, Name extends string> =
  M extends TypedMachine<{ readonly events: infer Events }>
    ? Name extends NameOf<StateOf<M>, 'entry' | 'do' | 'exit'> | CatchNames<StateOf<M>>
      ? Events[keyof Events] | undefined
      : TriggerData<M, StateOf<M>, Name>
    : Json | undefined;

/** The data of the events whose transitions run the action. A local transition follows an event without data. */
type TriggerData<M, S, Name> = S extends { readonly on: infer On }
  ? {
      [E in keyof On & string]: Name extends ActionIn<On[E]>
        ? On[E] extends { readonly local: true }
          ? undefined
          : DataOf<M, E>
        : never;
    }[keyof On & string]
  : never;

/**
 * Erases the types of actions. This is safe: the signatures of the callers have checked them, the engine passes each execution's context only
 * to the actions of its machine, and it checks every event that they return.
 */
function eraseTypes(actions: object): Actions {
  return actions as Actions;
}
