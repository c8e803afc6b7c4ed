import type { ExecutionStatus, Lock, Place } from '../../engine/ports';

/** The fields of a hash, read as those of a {@link Lock}. */
export class LockHash {
  private readonly fields = new Map<string, string>();

  /** @param fields names and values by turns, as HGETALL answers */
  constructor(private readonly key: string, fields: readonly string[]) {
    for (let index = 0; index + 1 < fields.length; index += 2) {
      this.fields.set(fields[index]!, fields[index + 1]!);
    }
  }

  /** @throws Error when the hash was not written by {@link LockCache} */
  public lock(executionId: string): Lock {
    const place = this.fields.get('place');
    return {
      executionId,
      machine: this.text('machine'),
      step: this.number('step'),
      fence: this.number('fence'),
      parent: this.number('parent'),
      holder: this.text('holder'),
      expires: this.number('expires'),
      released: this.number('released'),
      done: this.number('done') === 1,
      // Only LockCache writes the fields, and it writes an ExecutionStatus and a Place.
      status: this.text('status') as ExecutionStatus,
      state: this.text('state'),
      place: place === undefined ? undefined : JSON.parse(place) as Place,
      startedAt: this.number('startedAt'),
      updatedAt: this.number('updatedAt'),
    };
  }

  private text(name: string): string {
    const value = this.fields.get(name);
    if (value === undefined) throw new Error(`The hash ${this.key} has no field "${name}": it is no lock of this library.`);
    return value;
  }

  private number(name: string): number {
    const value = Number(this.text(name));
    if (!Number.isSafeInteger(value)) throw new Error(`The field "${name}" of the hash ${this.key} is no integer: it is no lock of this library.`);
    return value;
  }
}
