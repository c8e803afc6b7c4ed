import { randomUUID } from 'node:crypto';
import type { BusEvent, TargetInput } from './event-input';
import type { RecordFilter } from '../brokers/shared/filter';
import type { OnPollerError } from '../function/poller';
import { ServiceError, type Operations } from '../servers/json-server';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../template/template';

/** A rule that sends events to a function. */
export interface EventRule {
  readonly ruleArn: string;
  readonly busName: string;
  readonly matches: RecordFilter;
  /** Creates the input of the function. */
  readonly input: TargetInput;
}

/** An event to be sent. */
export interface EventEntry {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
  readonly resources?: readonly string[];
  readonly busName?: string;
}

/** Accepts an event and handles failures itself. */
type Receiver = (event: unknown) => Promise<void>;

/** Implements the event buses of Amazon EventBridge: an event is sent to the function of each rule that matches it. */
export class EventBus {
  /** The supported operations. */
  public readonly operations: Operations = { 'AWSEvents.PutEvents': (input) => this.putEvents(input) };
  private readonly rules: { readonly rule: EventRule; readonly receive: Receiver }[] = [];

  /** @param onError receives errors that prevent the delivery of an event */
  constructor(private readonly onError: OnPollerError) {}

  public addRule(rule: EventRule, receive: Receiver): void {
    this.rules.push({ rule, receive });
  }

  /** Sends an event, and returns its id. */
  public put({ source, detailType, detail, resources = [], busName = 'default' }: EventEntry): string {
    const id = randomUUID();
    const event: BusEvent = {
      version: '0',
      id,
      'detail-type': detailType,
      source,
      account: LOCAL_ACCOUNT,
      time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      region: LOCAL_REGION,
      resources,
      detail,
    };
    for (const { rule, receive } of this.rules) {
      if (rule.busName === busName && rule.matches(event)) {
        this.deliver(rule, event, receive);
      }
    }
    return id;
  }

  private deliver({ ruleArn, input }: EventRule, event: BusEvent, receive: Receiver): void {
    try {
      void receive(input(event));
    } catch (error) {
      this.onError(
        new Error(`Rule ${ruleArn} cannot create the input of its function: ${(error as Error).message}`, {
          cause: error,
        }),
      );
    }
  }

  private putEvents(input: unknown): object {
    const { Entries } = input as { readonly Entries?: unknown };
    if (!Array.isArray(Entries) || Entries.length === 0 || Entries.length > 10) {
      throw new ServiceError('ValidationException', 'Invalid Entries: expected 1 to 10 entries.');
    }
    const answers = Entries.map((entry: PutEventsEntry | null) => {
      const detail = readDetail(entry?.Detail);
      if (!detail || !entry?.Source || !entry.DetailType) {
        return {
          ErrorCode: 'MalformedDetail',
          ErrorMessage: 'Invalid event: expected Source, DetailType, and a JSON object as text in Detail.',
        };
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

/** Returns the name of an event bus that is identified by its name or its ARN. */
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
