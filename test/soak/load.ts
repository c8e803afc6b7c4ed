import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { endingOf, fateOf } from './fate';
import { persistently } from './persistently';
import type { WorkflowClient } from 'cdk-lambda-fsm/client';

const TICK_MS = 200;
/** Maximum number of executions that are started together. */
const MAX_STARTS = 250;
/** One message that is not an envelope is sent for this many parcels. */
const FOREIGN_EVERY = 200;
/** Time that customs takes for every other parcel. The others are released before they arrive. */
const CUSTOMS_MS = 3_000;

/** A context of about 700 bytes, as in an order. */
const CONTENT = Array.from({ length: 20 }, (_, n) => `article ${n}, wrapped in paper`);

export function idOf(number: number): string {
  return `parcel-${number}`;
}

/** Keeps a number of executions running. */
export class Load {
  /** Number of executions started so far. Their numbers are 0 up to this one. */
  public started = 0;
  /** Messages that are not envelopes, and must be dead-lettered. */
  public readonly foreign: string[] = [];
  private held = 0;
  private readonly errands = new Set<Promise<unknown>>();

  /** @param ended returns the number of executions that have completed or failed */
  constructor(
    private readonly client: WorkflowClient,
    private readonly queue: { readonly sqs: SQSClient; readonly url: string },
    private readonly ended: () => number,
  ) {}

  /** Number of running executions, without those that wait forever. */
  public get running(): number {
    return this.started - this.held - this.ended();
  }

  /** Keeps `target` executions running until the given time. */
  public async run(target: number, until: number): Promise<void> {
    while (Date.now() < until) {
      const missing = Math.min(MAX_STARTS, target - this.running);
      if (missing > 0) await this.start(missing);
      await pause(TICK_MS);
    }
    await Promise.all(this.errands);
  }

  private async start(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, n) => this.started + n);
    let requests = numbers.map((number) => ({
      machine: 'parcel',
      executionId: idOf(number),
      context: { fate: fateOf(number), content: CONTENT },
    }));
    while (requests.length > 0) {
      const results = await this.client.startMany(requests);
      // A repeated start is safe, since an executionId starts only once.
      requests = requests.filter((_, index) => results[index]?.outcome === 'failed');
    }
    this.started += count;
    this.held += numbers.filter((number) => endingOf(fateOf(number)) === 'parked').length;
    numbers.forEach((number) => this.follow(number));
  }

  /** Sends the events and messages that belong to a parcel. */
  private follow(number: number): void {
    if (fateOf(number) === 'abroad') {
      const isLate = number % 20 === 1;
      this.errand(async () => {
        if (isLate) await pause(CUSTOMS_MS);
        await persistently(() => this.client.send(idOf(number), 'released', { id: 'stamp' }));
      });
    }
    if (number % FOREIGN_EVERY === 0) {
      const body = `Letter ${number}, not an envelope`;
      this.foreign.push(body);
      this.errand(() =>
        persistently(() =>
          this.queue.sqs.send(new SendMessageCommand({ QueueUrl: this.queue.url, MessageBody: body })),
        ),
      );
    }
  }

  private errand(work: () => Promise<unknown>): void {
    const errand = work().finally(() => this.errands.delete(errand));
    this.errands.add(errand);
  }
}
