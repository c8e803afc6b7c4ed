import { randomUUID } from 'node:crypto';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Fate } from './fate';
import { HEAP_PREFIX, type HeapSample } from './heap';
import { parcel } from './parcel.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

interface Parcel {
  readonly fate: Fate;
  readonly content: readonly string[];
  weight?: number;
  route?: string;
  delivered?: boolean;
}

const EVERY = 2_000;

// The memory that is in use is what is left after a collection. Only inside of the execution environment can that be told.
setFlagsFromString('--expose-gc');
// The name is defined by the flag.
const collectGarbage = runInNewContext('gc') as () => void;
const environment = randomUUID();
let actions = 0;
setInterval(() => {
  collectGarbage();
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  const sample: HeapSample = { environment, actions, bytes: heap + external };
  console.log(HEAP_PREFIX + JSON.stringify(sample));
}, EVERY).unref();

export default implement.for<Parcel>()(parcel, {
  weigh: async (context) => {
    actions++;
    context.weight = context.content.join('').length;
    return 'weighed';
  },
  sort: async (context) => {
    actions++;
    const isAbroad = context.fate === 'abroad' || context.fate === 'held';
    context.route = isAbroad ? 'by ship' : 'by van';
    return isAbroad ? 'abroad' : 'home';
  },
  deliver: async (context, run) => {
    actions++;
    if (context.fate === 'lost') throw new Error('There is no such address.');
    if (context.fate === 'clumsy' && run.attempt === 0) throw new Error('The van would not start.');
    context.delivered = true;
    return 'delivered';
  },
});
