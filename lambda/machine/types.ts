import type { Implementation, Json, JsonObject } from './action';
import type { MachineInput } from './input';

/** The types that `defineMachine.for` gives a machine. They exist for the compiler only: nothing checks values against them at run time. */
export interface MachineTypes {
  /** The context of the executions: a type that JSON can represent. */
  readonly context?: object;
  /** The data of the events, by the name of the event. An event that is not listed carries no data. */
  readonly events?: object;
}

/** Key of the types in a {@link TypedMachine}. No machine has the property. */
declare const types: unique symbol;

/** A machine with its {@link MachineTypes}. The types have no value: the property never exists. */
export interface TypedMachine<Types> {
  /** Never set. */
  readonly [types]?: Types;
}

/** The machines of a machine, of a result of `implement`, or of an array or object of these. Use it as `MachinesIn<typeof machines>`. */
export type MachinesIn<T> = T extends MachineInput
  ? MachineIn<T>
  : T extends Implementation
    ? MachineIn<T>
    : T extends readonly unknown[]
      ? MachineIn<T[number]>
      : MachineIn<T[keyof T]>;

type MachineIn<T> = T extends MachineInput
  ? T
  : T extends { readonly machine: infer M extends MachineInput; readonly actions: unknown }
    ? M
    : never;

/** The context of a machine's executions: the declared type, or any JSON object. */
export type ContextOf<M> =
  M extends TypedMachine<infer Types>
    ? Types extends { readonly context: infer Context }
      ? Context
      : JsonObject
    : JsonObject;

/** The names of the machine's states. */
export type StatesOf<M extends MachineInput> = M extends unknown ? keyof M['states'] & string : never;

/** The names of the events that the machine's states handle. */
export type EventsOf<M extends MachineInput> = M extends unknown
  ? string extends keyof M['states']
    ? string
    : HandledBy<M['states'][keyof M['states']]>
  : never;

/** The events that a state handles. */
export type HandledBy<S> = S extends { readonly on: infer On } ? keyof On & string : never;

/** The data of an event: the declared type, `undefined` if the machine declares events but not this one, or any JSON value. */
export type DataOf<M, Event extends string> =
  M extends TypedMachine<infer Types>
    ? Types extends { readonly events: infer Events }
      ? Event extends keyof Events
        ? Events[Event]
        : undefined
      : Json | undefined
    : Json | undefined;

/** The same type, if JSON can represent its properties. If not, the expected type is a text that states the reason. */
export type JsonProperties<T> = { readonly [P in keyof T]: JsonOf<T[P]> };

type JsonOf<T> = unknown extends T
  ? T
  : T extends Json | undefined
    ? T
    : T extends (...parameters: never[]) => unknown
      ? 'JSON has no functions'
      : T extends bigint | symbol
        ? 'JSON has neither bigints nor symbols: use a number or text'
        : T extends Date
          ? 'JSON has no dates: use text (toISOString) or a number (getTime)'
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? 'JSON has neither maps nor sets: use an object or an array'
            : JsonProperties<T>;
