import { ItemReader, json, number, text, type Item } from './item';
import type { AcquireRequest, ExecutionStatus, Lock, Place } from '../../engine/ports';

/** What an acquisition sets, but for the fence, the end of the last lease that was given up, and the time of the first acquisition. */
export function acquiredBy(request: AcquireRequest): Item {
  return {
    machine: text(request.machine),
    step: number(request.step),
    parent: number(request.parent),
    holder: text(request.holder),
    expires: number(request.expires),
    state: text(request.state),
    place: request.place ? json(request.place) : { NULL: true },
    done: { BOOL: false },
    status: text('running'),
    updatedAt: number(request.now),
  };
}

/** The item of a lock, but for its key. */
export function toItem({ executionId: _, place, done, status, machine, state, holder, ...numbers }: Lock): Item {
  return {
    machine: text(machine),
    state: text(state),
    holder: text(holder),
    status: text(status),
    done: { BOOL: done },
    place: place ? json(place) : { NULL: true },
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, number(value)])),
  };
}

export function toLock(item: Item): Lock {
  const read = new ItemReader(item);
  return {
    executionId: read.text('executionId'),
    machine: read.text('machine'),
    step: read.number('step'),
    fence: read.number('fence'),
    parent: read.number('parent'),
    holder: read.text('holder'),
    expires: read.number('expires'),
    released: read.number('released'),
    done: read.flag('done'),
    // Only the lock table writes the attribute, and it writes an ExecutionStatus.
    status: read.text('status') as ExecutionStatus,
    state: read.text('state'),
    place: read.optionalJson<Place>('place'),
    startedAt: read.number('startedAt'),
    updatedAt: read.number('updatedAt'),
  };
}
