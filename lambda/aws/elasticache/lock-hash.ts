import type { ExecutionStatus, Lock, Place } from '../../engine/ports';

/** Reads the fields of a hash as those of a {@link Lock}. */
export class LockHash {
  private readonly fields = new Map<string, string>();

  /** @param fields alternating names and values, as HGETALL returns them */
  constructor(
    private readonly key: string,
    fields: readonly string[],
  ) {
    for (let index = 0; index + 1 < fields.length; index += 2) {
      this.fields.set(fields[index]!, fields[index + 1]!);
    }
  }

  /** @throws Error if {@link ClientLockCache} did not write the hash */
  public lock(executionId: string): Lock {
    const place = this.fields.get('place');
    const mail = this.fields.get('mail');
    return {
      executionId,
      incarnation: this.text('incarnation'),
      machine: this.text('machine'),
      step: this.number('step'),
      fence: this.number('fence'),
      parent: this.number('parent'),
      holder: this.text('holder'),
      expires: this.number('expires'),
      released: this.number('released'),
      reopened: this.number('reopened'),
      accompanied: this.number('accompanied'),
      done: this.number('done') === 1,
      // Only the lock cache writes the fields, from an ExecutionStatus and a Place.
      status: this.text('status') as ExecutionStatus,
      state: this.text('state'),
      contextHash: this.text('contextHash'),
      mail: mail === '' ? undefined : mail,
      accepts: this.texts('accepts'),
      handles: this.texts('handles'),
      place: place === undefined ? undefined : (JSON.parse(place) as Place),
      startedAt: this.number('startedAt'),
      updatedAt: this.number('updatedAt'),
    };
  }

  /** Only the lock cache writes the field, from a list of texts or nothing. */
  private texts(name: string): readonly string[] | undefined {
    return (JSON.parse(this.fields.get(name) ?? 'null') as readonly string[] | null) ?? undefined;
  }

  private text(name: string): string {
    return this.fields.get(name) ?? this.missing(`field "${name}"`);
  }

  private number(name: string): number {
    const value = Number(this.text(name));
    return Number.isSafeInteger(value) ? value : this.missing(`integer in the field "${name}"`);
  }

  private missing(what: string): never {
    throw new Error(`The hash ${this.key} was not written by this library: it has no ${what}.`);
  }
}
