/** A value in a template: JSON in which an object with the single key `Ref` or `Fn::…` is an intrinsic function. */
export type TemplateValue = null | boolean | number | string | readonly TemplateValue[] | TemplateRecord;

export interface TemplateRecord {
  readonly [name: string]: TemplateValue;
}

export function isRecord(value: TemplateValue | undefined): value is TemplateRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: TemplateValue | undefined): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

/** Returns the value at a path; `undefined` if there is none. */
export function memberOf(value: TemplateValue | undefined, ...path: readonly string[]): TemplateValue | undefined {
  return path.reduce<TemplateValue | undefined>(
    (object, name) => (isRecord(object) && Object.hasOwn(object, name) ? object[name] : undefined),
    value,
  );
}

/** Returns the elements of a list; none if the value is not a list. */
export function listOf(value: TemplateValue | undefined): readonly TemplateValue[] {
  return isList(value) ? value : [];
}
