import { Construct } from 'constructs';
import type { ValidationErrors } from './validation-errors';

/** The values that a property accepts. */
export interface ValueType {
  readonly accepts: (value: unknown) => boolean;
  /** What to use, for example `a Queue, for example Queue.fromQueueArn(…)`. */
  readonly expected: string;
  /** The type of each member, if the values are lists. */
  readonly member?: ValueType;
  /** The types of properties of the value. */
  readonly properties?: Readonly<Record<string, ValueType>>;
}

/** Values that need no type here: a wrong one reaches a check of its own, or CloudFormation, and throws no TypeError. */
type Plain = string | number | boolean | undefined | readonly string[] | Readonly<Record<string, string>>;

/** The type of each property that holds an object. The compiler reports a property without one. */
export type TypesOf<Props, Omitted = never> = {
  readonly [
    Property in keyof Props as Props[Property] extends Plain ? never : Property extends Omitted ? never : Property
  ]-?: ValueType;
} & { readonly [Property in keyof Props]?: ValueType };

/** Two copies of the AWS CDK or of this package may be loaded, so objects are recognized by their members. */
export function objectWith(
  members: readonly string[],
  expected: string,
  properties?: Readonly<Record<string, ValueType>>,
): ValueType {
  return { accepts: (value) => isObject(value) && members.every((name) => name in value), expected, properties };
}

export function listOf(member: ValueType, expected: string): ValueType {
  return { accepts: (value) => Array.isArray(value) && value.every(member.accepts), expected, member };
}

/** An object of options, such as `{ onePerAz: true }`. */
export function optionsLike(example: string): ValueType {
  return {
    accepts: (value) => isObject(value) && !Array.isArray(value) && !Construct.isConstruct(value),
    expected: `an object of options, for example ${example}`,
  };
}

export function text(expected: string): ValueType {
  return { accepts: (value) => typeof value === 'string', expected };
}

export const DURATION = objectWith(['toSeconds', 'isUnresolved'], 'a Duration, for example Duration.seconds(60)');
export const RETENTION = objectWith(['toSeconds', 'isUnresolved'], 'a Duration, for example Duration.days(30)');
export const KEY = objectWith(['keyArn'], 'a Key, for example Key.fromKeyArn(…)');
export const QUEUE = objectWith(['queueArn', 'queueUrl'], 'a Queue, for example Queue.fromQueueArn(…)');
export const STREAM = objectWith(['streamArn', 'streamName'], 'a Stream, for example Stream.fromStreamArn(…)');
export const TABLE = objectWith(['tableArn', 'tableName'], 'a Table, for example Table.fromTableName(…)');
export const TOPIC = objectWith(['topicArn', 'topicName'], 'a Topic, for example Topic.fromTopicArn(…)');
export const VPC = objectWith(['vpcId', 'selectSubnets'], 'a Vpc, for example Vpc.fromLookup(…)');
export const SUBNETS = optionsLike('{ onePerAz: true }');
export const SECURITY_GROUPS = listOf(
  objectWith(['securityGroupId'], 'a SecurityGroup, for example SecurityGroup.fromSecurityGroupId(…)'),
  'a list of security groups, for example [SecurityGroup.fromSecurityGroupId(…)]',
);
export const FILTERS = listOf(
  optionsLike('FilterCriteria.filter(…)'),
  'a list of filters, for example [FilterCriteria.filter(…)]',
);
export const MAPPING_METRICS = optionsLike('{ metrics: [MetricType.EVENT_COUNT] }');

/** A construct or a principal that receives permissions. */
export const GRANTEE = objectWith(['grantPrincipal'], 'an identity, for example a Function or a Role');

/**
 * Rejects values of other types. Only JavaScript callers can pass them: their compiler does not report them.
 *
 * @param required the properties that must have a value
 * @returns the properties that have a value of their type, so that all other checks still run
 */
export function checkTypes<Props extends object>(
  errors: ValidationErrors,
  props: Props,
  types: Readonly<Partial<Record<keyof Props, ValueType>>>,
  required: readonly (keyof Props)[] = [],
): Partial<Props> {
  if (!isObject(props) && props !== undefined) {
    errors.add(`Invalid properties ${describe(props)}: expected an object of properties.`);
    return {};
  }
  const values = new Map<string, unknown>(Object.entries(props ?? {}).filter(([, value]) => value !== undefined));
  const requiredNames = required.map(String);
  for (const [property, type] of Object.entries<ValueType | undefined>(types)) {
    if (!type) continue;
    const value = values.get(property);
    if (value === undefined) {
      if (requiredNames.includes(property)) errors.add(`${property} is required. Set ${property} to ${type.expected}.`);
    } else {
      const messages = invalid(property, value, type);
      errors.add(...messages);
      if (messages.length > 0) values.delete(property);
    }
  }
  // Contains properties of `Props` only, with their values.
  return Object.fromEntries(values) as Partial<Props>;
}

function invalid(
  property: string,
  value: unknown,
  { accepts, expected, member, properties = {} }: ValueType,
): readonly string[] {
  if (isObject(value) && accepts(value)) {
    return Object.entries(properties).flatMap(([name, type]) =>
      invalid(`${property}.${name}`, Reflect.get(value, name), type),
    );
  }
  if (accepts(value)) return [];
  if (member && Array.isArray(value)) {
    return value.flatMap((item, index) => invalid(`${property}[${index}]`, item, member));
  }
  return [`Invalid ${property} ${describe(value)}: expected ${expected}.`];
}

const MAX_TEXT_LENGTH = 200;

/** A value in a message: texts and numbers as they are, objects by their class and their path. */
function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_TEXT_LENGTH));
  if (Array.isArray(value)) return '(a list)';
  if (typeof value === 'function') return '(a class or function)';
  if (!isObject(value)) return String(value);
  const { constructor } = value;
  if (typeof constructor !== 'function' || constructor === Object) return '(an object)';
  const name = classNameOf(constructor);
  return Construct.isConstruct(value) ? `(${name} "${value.node.path}")` : `(${name})`;
}

/** The AWS CDK is bundled, which renames its classes. jsii keeps their names. */
function classNameOf(constructor: object): string {
  const type: unknown = Reflect.get(constructor, Symbol.for('jsii.rtti'));
  const name: unknown = isObject(type) ? Reflect.get(type, 'fqn') : Reflect.get(constructor, 'name');
  return String(name).replace(/^.*\./, '');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
