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

const SAMPLE_INTERVAL_MS = 2_000;

// Memory is measured after garbage collection, which only the execution environment itself can trigger.
setFlagsFromString('--expose-gc');
// The flag above defines this name.
const collectGarbage = runInNewContext('gc') as () => void;
const environment = randomUUID();
let actions = 0;
setInterval(() => {
  collectGarbage();
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  const sample: HeapSample = { environment, actions, bytes: heap + external };
  console.log(HEAP_PREFIX + JSON.stringify(sample));
}, SAMPLE_INTERVAL_MS).unref();

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
    if (context.fate === 'lost') throw new Error('The address does not exist.');
    if (context.fate === 'clumsy' && run.attempt === 0) throw new Error('The van did not start.');
    context.delivered = true;
    return 'delivered';
  },
});
