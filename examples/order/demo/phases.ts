/** Counts at one moment. */
export interface Counts {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly transitions: number;
  /** AWS requests of the function. */
  readonly requests: number;
}

/** A part of the demo, with the counts at its beginning and end. */
export interface Phase {
  readonly name: string;
  readonly begin: Counts;
  /** The latest counts while the phase is running. */
  readonly end: Counts;
}

/** The phases of the demo, one after the other. */
export class Phases {
  private readonly ended: Phase[] = [];
  private current: { readonly name: string; readonly begin: Counts } | undefined;

  constructor(private readonly count: () => Omit<Counts, 'at'>) {}

  /** All phases that have begun, in order. */
  public get all(): readonly Phase[] {
    return this.current ? [...this.ended, { ...this.current, end: this.now() }] : this.ended;
  }

  /** Name of the running phase. */
  public get running(): string | undefined {
    return this.current?.name;
  }

  /** Ends the running phase and begins the next one. */
  public begin(name: string): void {
    this.end();
    this.current = { name, begin: this.now() };
  }

  public end(): void {
    if (this.current) this.ended.push({ ...this.current, end: this.now() });
    this.current = undefined;
  }

  private now(): Counts {
    return { at: Date.now(), ...this.count() };
  }
}

export function secondsOf({ begin, end }: Phase): number {
  return (end.at - begin.at) / 1000;
}

export function transitionsOf({ begin, end }: Phase): number {
  return end.transitions - begin.transitions;
}

/** Requests per transition over several phases, or nothing if they have no transitions. */
export function requestsATransition(phases: readonly Phase[]): number | undefined {
  const transitions = phases.reduce((sum, phase) => sum + transitionsOf(phase), 0);
  const requests = phases.reduce((sum, { begin, end }) => sum + end.requests - begin.requests, 0);
  return transitions > 0 ? requests / transitions : undefined;
}
