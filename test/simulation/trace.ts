import type { Delivery, Outcome, Ports } from '../../lambda/engine';
import type { JsonObject, Run } from '../../lambda/machine';
import type { VirtualClock } from '../../lambda/testing/determinism/virtual-clock';

const SHOWN = 400;

interface Line {
  readonly text: string;
  /** Absent for an event outside of any invocation. */
  readonly invocation?: number;
}

/** Records the calls of each invocation as lines, in the order of time. */
export class Trace {
  private readonly written: Line[] = [];
  private clock?: VirtualClock;
  private start = 0;
  private invocations = 0;
  private readonly invocationOf = new Map<string, number>();

  /**
   * Returns the lines of the trace. The middle of a long trace is cut.
   *
   * @param executionId omits the invocations that do not concern this execution
   */
  public lines(executionId?: string): readonly string[] {
    const lines = this.about(executionId).map(({ text }) => text);
    const cut = lines.length - SHOWN;
    return cut > 0 ? [...lines.slice(0, SHOWN / 2), `          … ${cut} lines …`, ...lines.slice(-SHOWN / 2)] : lines;
  }

  private about(executionId?: string): readonly Line[] {
    if (executionId === undefined) return this.written;
    const name = new RegExp(`\\b${executionId}\\b`);
    const concerned = new Set(this.written.filter(({ text }) => name.test(text)).map(({ invocation }) => invocation));
    return this.written.filter(({ text, invocation }) =>
      invocation === undefined ? name.test(text) : concerned.has(invocation),
    );
  }

  public begin(clock: VirtualClock): void {
    this.clock = clock;
    this.start = clock.now();
  }

  /** Records an event outside of any invocation. */
  public note(message: string, fields?: JsonObject): void {
    this.line('', `· ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}`);
  }

  public invoke(environment: string, deliveries: readonly Delivery[]): void {
    this.invocations += 1;
    this.invocationOf.set(environment, this.invocations);
    this.line(environment, `┌ ${deliveries.length === 1 ? '1 record' : `${deliveries.length} records`}`);
    deliveries.forEach(({ id, body, place }) =>
      this.line(environment, `│ record ${id} from ${place.resource}: ${envelope(body)}`),
    );
  }

  public answer(environment: string, outcomes: ReadonlyMap<string, Outcome>): void {
    this.line(
      environment,
      `└ ${[...outcomes].map(([id, outcome]) => `${id}: ${typeof outcome === 'object' ? 'redeliver later' : outcome}`).join(', ')}`,
    );
  }

  public act(environment: string, name: string, { executionId, step, fence, state }: Run): void {
    this.line(environment, `│ ${executionId} step ${step} fence ${fence}: ${name}(${state})`);
  }

  /** Wraps the ports so that each call and its answer are recorded. */
  public watch(environment: string, ports: Ports): Ports {
    const watched = (name: string, port: object) =>
      new Proxy(port, {
        get: (target, property) => {
          const member: unknown = Reflect.get(target, property);
          return typeof member === 'function'
            ? this.call(environment, `${name}.${String(property)}`, member.bind(target))
            : member;
        },
      });
    // A proxy has the type of its target.
    return {
      ...ports,
      eventSources: ports.eventSources.map(
        (transport, index) => watched(`eventSources[${index}]`, transport) as typeof transport,
      ),
      retryQueues: ports.retryQueues.map(
        (transport, index) => watched(`retryQueues[${index}]`, transport) as typeof transport,
      ),
      locks: watched('locks', ports.locks) as Ports['locks'],
      journal: watched('journal', ports.journal) as Ports['journal'],
      mailbox: watched('mailbox', ports.mailbox) as Ports['mailbox'],
      deadLetters: watched('deadLetters', ports.deadLetters) as Ports['deadLetters'],
    };
  }

  private call(environment: string, name: string, method: (...parameters: unknown[]) => Promise<unknown>) {
    return async (...parameters: unknown[]) => {
      this.line(environment, `│ ${name}(${parameters.map(brief).join(', ')})`);
      try {
        const answer = await method(...parameters);
        this.line(environment, `│ ${name} → ${brief(answer)}`);
        return answer;
      } catch (error) {
        this.line(environment, `│ ${name} ✗ ${String(error)}`);
        throw error;
      }
    };
  }

  private line(environment: string, text: string): void {
    const at = ((this.clock?.now() ?? 0) - this.start) / 1000;
    const invocation = this.invocationOf.get(environment);
    this.written.push({
      invocation,
      text: `${at.toFixed(3).padStart(11)} s  ${(invocation ? `#${invocation}` : '').padStart(5)} ${text}`,
    });
  }
}

/** Formats the essential members of a value. */
function brief(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(brief).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = value as Record<string, unknown>;
  if (typeof members.body === 'string') return envelope(members.body);
  if (typeof members.lock === 'object') {
    return `${members.acquired === false ? 'refused by ' : ''}${brief(members.lock)}`;
  }
  const shown = [
    'executionId',
    'step',
    'parent',
    'fence',
    'attempt',
    'state',
    'status',
    'done',
    'outcome',
    'event',
    'next',
    'position',
    'id',
    'ok',
    'error',
    'message',
  ].filter((name) => members[name] !== undefined);
  return `{${shown.map((name) => `${name}: ${brief(members[name])}`).join(', ')}}`;
}

function envelope(body: string): string {
  try {
    const { context: _context, data: _data, ...rest } = JSON.parse(body) as Record<string, unknown>;
    return brief(rest);
  } catch {
    return body.slice(0, 80);
  }
}
