import type { MeasureName, MetricName } from '../../engine/ports';

/** The maximum length of the value of a dimension, in characters. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
const MAX_DIMENSION_LENGTH = 1_024;

/** The counters and measurements of one machine and state. */
export interface Group {
  readonly machine?: string;
  readonly state?: string;
  readonly counters: Map<MetricName, number>;
  /** Milliseconds. */
  readonly measured: Map<MeasureName, number[]>;
}

/** The counters and measurements since the last flush, by machine and state. */
export class CollectedMetrics {
  private groups = new Map<string, Group>();

  public count(name: MetricName, machine?: string, state?: string): void {
    add(this.groupOf(machine, state), name, 1);
  }

  public measure(name: MeasureName, milliseconds: number, machine?: string, state?: string): void {
    addAll(this.groupOf(machine, state), name, [milliseconds]);
  }

  /** Returns all groups and removes them. */
  public take(): readonly Group[] {
    const groups = [...this.groups.values()];
    this.groups = new Map();
    return groups;
  }

  /** Adds the counters and measurements of a group to those of a machine and state. */
  public merge(machine: string | undefined, state: string | undefined, { counters, measured }: Group): void {
    const group = this.groupOf(machine, state);
    for (const [name, value] of counters) add(group, name, value);
    for (const [name, values] of measured) addAll(group, name, values);
  }

  private groupOf(machine?: string, state?: string): Group {
    const key = `${machine ?? ''}\n${state ?? ''}`;
    let group = this.groups.get(key);
    if (!group) {
      group = { machine, state, counters: new Map(), measured: new Map() };
      this.groups.set(key, group);
    }
    return group;
  }
}

function add({ counters }: Group, name: MetricName, value: number): void {
  counters.set(name, (counters.get(name) ?? 0) + value);
}

function addAll({ measured }: Group, name: MeasureName, values: readonly number[]): void {
  const known = measured.get(name);
  if (known) known.push(...values);
  else measured.set(name, [...values]);
}

/** The dimensions of the metrics of a machine and state, from the widest to the narrowest. */
export function dimensionsOf(workflow: string, { machine, state }: Group): Readonly<Record<string, string>> {
  return {
    workflow: dimension(workflow),
    ...(machine ? { machine: dimension(machine) } : {}),
    ...(machine && state ? { state: dimension(state) } : {}),
  };
}

/** Percent-encodes the bytes that a dimension must not contain: it allows printable ASCII only, and no colon at the start. */
function dimension(name: string): string {
  const encode = (part: string) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return name.replace(/^:|[^\x20-\x7e]/gu, encode).slice(0, MAX_DIMENSION_LENGTH);
}
