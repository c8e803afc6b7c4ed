import { randomUUID } from 'node:crypto';
import type { BusEvent, TargetInput } from './event-input';
import { ServiceError, type Operations } from './json-server';
import type { RecordFilter } from './pollers/filter';
import type { OnPollerError } from './pollers/poller';
import { LOCAL_ACCOUNT, LOCAL_REGION } from './template';

/** A rule that passes events on to a function. */
export interface EventRule {
  readonly ruleArn: string;
  readonly busName: string;
  readonly matches: RecordFilter;
  /** What the function gets. */
  readonly input: TargetInput;
}

/** An event as its sender describes it. */
export interface EventEntry {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
  readonly resources?: readonly string[];
  readonly busName?: string;
}

/** Takes an event over, and sees to it by itself. */
type Receiver = (event: unknown) => Promise<void>;

/** Amazon EventBridge: what is put on a bus goes to the function of each rule that matches it. */
export class EventBus {
  /** What clients may ask of it. */
  public readonly operations: Operations = { 'AWSEvents.PutEvents': (input) => this.putEvents(input) };
  private readonly rules: { readonly rule: EventRule; readonly receive: Receiver }[] = [];

  /** @param onError gets what keeps an event from a function */
  constructor(private readonly onError: OnPollerError) {}

  public addRule(rule: EventRule, receive: Receiver): void {
    this.rules.push({ rule, receive });
  }

  /** @returns the id of the event */
  public put({ source, detailType, detail, resources = [], busName = 'default' }: EventEntry): string {
    const id = randomUUID();
    const event: BusEvent = {
      'version': '0',
      id,
      'detail-type': detailType,
      source,
      'account': LOCAL_ACCOUNT,
      'time': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      'region': LOCAL_REGION,
      resources,
      detail,
    };
    for (const { rule, receive } of this.rules) {
      if (rule.busName === busName && rule.matches(event)) {
        this.pass(rule, event, receive);
      }
    }
    return id;
  }

  private pass({ ruleArn, input }: EventRule, event: BusEvent, receive: Receiver): void {
    try {
      void receive(input(event));
    } catch (error) {
      this.onError(new Error(`The rule ${ruleArn} cannot make an input of an event: ${(error as Error).message}`, { cause: error }));
    }
  }

  private putEvents(input: unknown): object {
    const { Entries } = input as { readonly Entries?: unknown };
    if (!Array.isArray(Entries) || Entries.length === 0 || Entries.length > 10) {
      throw new ServiceError('ValidationException', 'PutEvents takes 1 to 10 entries.');
    }
    const answers = Entries.map((entry: PutEventsEntry | null) => {
      const detail = readDetail(entry?.Detail);
      if (!detail || !entry?.Source || !entry.DetailType) {
        return { ErrorCode: 'MalformedDetail', ErrorMessage: 'An event has a Source, a DetailType and a Detail, which is a JSON object as text.' };
      }
      const { Source: source, DetailType: detailType, Resources: resources, EventBusName } = entry;
      return { EventId: this.put({ source, detailType, detail, resources, busName: busNameOf(EventBusName) }) };
    });
    return { Entries: answers, FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length };
  }
}

interface PutEventsEntry {
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  readonly EventBusName?: string;
}

/** A bus is named by its name or its ARN. */
export function busNameOf(bus = 'default'): string {
  return bus.slice(bus.lastIndexOf('/') + 1);
}

function readDetail(text: string | undefined): object | undefined {
  try {
    const detail: unknown = JSON.parse(text ?? '');
    return typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}
