import type { ExecutionDescription } from '../engine/executions/describe';
import type { SendOptions } from '../engine/executions/send';
import type { StartRequest } from '../engine/executions/start';
import type { MachineInput } from '../machine/input';
import type { ContextOf, DataOf, EventsOf, MachinesIn, StatesOf } from '../machine/types';

// The types of a client that knows its machines. `Machines` is whatever `MachinesIn` reads: a machine, or a collection of machines.

/** The names of the machines. */
export type NameOf<Machines> = MachinesIn<Machines>['name'];

/** The machine with this name. */
export type MachineNamed<Machines, Name> = Extract<MachinesIn<Machines>, { readonly name: Name }>;

/** The names of the events that the machines handle. */
export type EventOf<Machines> = EventsOf<MachinesIn<Machines>>;

/** An execution to start, of one of the machines. */
export type StartRequestOf<Machines> = StartOf<MachinesIn<Machines>>;

type StartOf<M extends MachineInput> = M extends unknown
  ? Omit<StartRequest, 'machine' | 'context'> & {
      /** Name of a machine of the workflow. */
      readonly machine: M['name'];
    } & ContextMember<ContextOf<M>>
  : never;

/** The context may be omitted if all its properties may. */
type ContextMember<Context> =
  Record<never, never> extends Context
    ? {
        /**
         * The context of the first action: a plain JSON object.
         *
         * @default - an empty object
         */
        readonly context?: Context;
      }
    : {
        /** The context of the first action: a plain JSON object. */
        readonly context: Context;
      };

/** The description of an execution of one of the machines. */
export type DescriptionOf<Machines> = DescriptionOfMachine<MachinesIn<Machines>>;

type DescriptionOfMachine<M extends MachineInput> = M extends unknown
  ? MachineInput extends M
    ? ExecutionDescription
    : ExecutionDescription<M['name'], StatesOf<M>, ContextOf<M>>
  : never;

/** The options of an event, which must be given if the event carries data. */
export type EventOptions<Machines, Event extends string, Options extends Pick<SendOptions, 'data'>> =
  undefined extends DataOfEvent<MachinesIn<Machines>, Event>
    ? [options?: Omit<Options, 'data'> & { readonly data?: DataOfEvent<MachinesIn<Machines>, Event> }]
    : [options: Omit<Options, 'data'> & { readonly data: DataOfEvent<MachinesIn<Machines>, Event> }];

/** The data of the event in the machines that handle it. */
type DataOfEvent<M extends MachineInput, Event extends string> = M extends unknown
  ? Event extends EventsOf<M>
    ? DataOf<M, Event>
    : never
  : never;
