import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { endingOf, fateOf } from './fate';
import { persistently } from './persistently';
import type { WorkflowClient } from 'cdk-lambda-fsm/client';

const TICK = 200;
/** Most executions that are started in one go. */
const BATCH = 250;
/** Of so many parcels one is followed by a message that is none. */
const FOREIGN_EVERY = 200;
/** How long customs takes for every other parcel; the others are released before they arrive. In milliseconds. */
const CUSTOMS = 3_000;

/** About as much as an order has. */
const CONTENT = Array.from({ length: 20 }, (_, n) => `article ${n}, wrapped in paper`);

export function idOf(number: number): string {
  return `parcel-${number}`;
}

/** Keeps a number of executions under way, for as long as it is told to. */
export class Load {
  /** How many executions were started: those with the numbers below. */
  public started = 0;
  /** Messages that are no envelopes, and so must become dead letters. */
  public readonly foreign: string[] = [];
  private held = 0;
  private readonly errands = new Set<Promise<unknown>>();

  /** @param ended how many executions have completed or failed */
  constructor(
    private readonly client: WorkflowClient,
    private readonly queue: { readonly sqs: SQSClient; readonly url: string },
    private readonly ended: () => number,
  ) {}

  /** How many executions are under way. Those that wait for ever are not. */
  public get underWay(): number {
    return this.started - this.held - this.ended();
  }

  public async run(target: number, until: number): Promise<void> {
    while (Date.now() < until) {
      const missing = Math.min(BATCH, target - this.underWay);
      if (missing > 0) await this.start(missing);
      await pause(TICK);
    }
    await Promise.all(this.errands);
  }

  private async start(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, n) => this.started + n);
    let requests = numbers.map((number) => ({ machine: 'parcel', executionId: idOf(number), context: { fate: fateOf(number), content: CONTENT } }));
    while (requests.length > 0) {
      const results = await this.client.startMany(requests);
      // Whatever has become of it: the same executionId starts once.
      requests = requests.filter((_, index) => !results[index]?.started);
    }
    this.started += count;
    this.held += numbers.filter((number) => endingOf(fateOf(number)) === 'parked').length;
    numbers.forEach((number) => this.follow(number));
  }

  /** Does what happens to a parcel from outside. */
  private follow(number: number): void {
    if (fateOf(number) === 'abroad') {
      const isLate = number % 20 === 1;
      this.errand(async () => {
        if (isLate) await pause(CUSTOMS);
        await persistently(() => this.client.send(idOf(number), 'released', { id: 'stamp' }));
      });
    }
    if (number % FOREIGN_EVERY === 0) {
      const body = `This is no envelope but a letter, the ${number}th.`;
      this.foreign.push(body);
      this.errand(() => persistently(() => this.queue.sqs.send(new SendMessageCommand({ QueueUrl: this.queue.url, MessageBody: body }))));
    }
  }

  private errand(work: () => Promise<unknown>): void {
    const errand = work().finally(() => this.errands.delete(errand));
    this.errands.add(errand);
  }
}
