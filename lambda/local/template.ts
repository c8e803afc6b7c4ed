import type { SynthesizedStack, TemplateResource } from './assembly';
import { isList, isRecord, type TemplateRecord, type TemplateValue } from './template-value';

/** The account and the region that embedded resources are in. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';

/** What a resource is known by once it exists: what `Ref` and `Fn::GetAtt` give. */
export interface ResourceIdentity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * A template whose references are resolved against the resources that exist so far.
 *
 * Most of a stack (roles, alarms, log groups) is never looked at; a reference to something that does not exist here is an
 * error only where a value that is needed holds it.
 */
export class Template {
  private readonly identities = new Map<string, ResourceIdentity>();
  private readonly pseudoParameters: Readonly<Record<string, TemplateValue | undefined>>;

  constructor(private readonly stack: SynthesizedStack) {
    this.pseudoParameters = {
      'AWS::AccountId': LOCAL_ACCOUNT,
      'AWS::Region': LOCAL_REGION,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stack.name,
      'AWS::StackId': `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${stack.name}/local`,
      'AWS::NotificationARNs': [],
      'AWS::NoValue': undefined,
    };
  }

  public get stackName(): string {
    return this.stack.name;
  }

  /** The logical ids of all resources of these types, in the order of the template. */
  public ofType(...types: readonly string[]): string[] {
    return Object.entries(this.stack.template.Resources ?? {}).flatMap(([id, { Type }]) => types.includes(Type) ? [id] : []);
  }

  /** Makes a resource known, so that references to it resolve. */
  public provide(logicalId: string, identity: ResourceIdentity): void {
    this.identities.set(logicalId, identity);
  }

  /** The properties of a resource as the template has them. */
  public raw(logicalId: string): TemplateRecord {
    return this.resource(logicalId)?.Properties ?? {};
  }

  /**
   * The properties of a resource, resolved.
   *
   * @param names only these properties; all when left out
   * @throws Error when one of them refers to a resource that the runner does not provide
   */
  public properties(logicalId: string, names?: readonly string[]): TemplateRecord {
    const wanted = Object.entries(this.raw(logicalId)).filter(([name]) => !names || names.includes(name));
    return this.resolveRecord(Object.fromEntries(wanted), `${this.stack.name}/${logicalId}`);
  }

  /** The folder with the code of a function, or `undefined` when its code is no asset of the assembly. */
  public assetOf(objectKey: TemplateValue | undefined): string | undefined {
    return typeof objectKey === 'string' ? this.stack.assets.get(objectKey) : undefined;
  }

  /** The logical id that a `Ref` or `Fn::GetAtt` names, or `undefined` when the value is neither. */
  public referredBy(value: TemplateValue | undefined): string | undefined {
    const [name, argument] = intrinsic(value) ?? [];
    if (name === 'Ref') {
      return typeof argument === 'string' ? argument : undefined;
    }
    return name === 'Fn::GetAtt' ? getAttParts(argument)?.[0] : undefined;
  }

  /** The type of a resource, or `undefined` when the template does not have it. */
  public typeOf(logicalId: string): string | undefined {
    return this.resource(logicalId)?.Type;
  }

  /**
   * A value with all its references resolved, `undefined` for `AWS::NoValue`.
   *
   * @param place where the value stands, for errors
   */
  public resolve(value: TemplateValue | undefined, place: string): TemplateValue | undefined {
    const call = intrinsic(value);
    if (call) {
      return this.evaluate(call[0], call[1], place);
    }
    if (isList(value)) {
      return value.map((element) => this.resolve(element, place)).filter((element) => element !== undefined);
    }
    return isRecord(value) ? this.resolveRecord(value, place) : value;
  }

  private resolveRecord(record: TemplateRecord, place: string): TemplateRecord {
    const resolved: Record<string, TemplateValue> = {};
    for (const [name, member] of Object.entries(record)) {
      const value = this.resolve(member, `${place}.${name}`);
      if (value !== undefined) {
        resolved[name] = value;
      }
    }
    return resolved;
  }

  private evaluate(name: string, argument: TemplateValue | undefined, place: string): TemplateValue | undefined {
    switch (name) {
      case 'Ref':
        return this.reference(String(argument), place);
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = getAttParts(argument) ?? [];
        if (logicalId === undefined || attribute === undefined) {
          throw new Error(`${place}: Fn::GetAtt takes a logical id and the name of an attribute, not ${JSON.stringify(argument)}.`);
        }
        return this.attribute(logicalId, attribute, place);
      }
      case 'Fn::Join': {
        const [separator, parts] = this.list(name, argument, place);
        return this.list(name, parts, place).map((part) => text(part, place)).join(text(separator, place));
      }
      case 'Fn::Split': {
        const [separator, whole] = this.list(name, argument, place);
        return text(whole, place).split(text(separator, place));
      }
      case 'Fn::Select': {
        const [index, options] = this.list(name, argument, place);
        return this.list(name, options, place)[Number(index)];
      }
      case 'Fn::Sub':
        return this.substitute(argument, place);
      default:
        throw new Error(`${place}: the local runner does not resolve ${name}. It resolves Ref, Fn::GetAtt, Fn::Join, Fn::Split, Fn::Select and Fn::Sub.`);
    }
  }

  private reference(name: string, place: string): TemplateValue | undefined {
    if (Object.hasOwn(this.pseudoParameters, name)) {
      return this.resolve(this.pseudoParameters[name], place);
    }
    const parameters = this.stack.template.Parameters ?? {};
    if (Object.hasOwn(parameters, name)) {
      const parameter = parameters[name];
      if (parameter?.Default === undefined) {
        throw new Error(`${place}: the parameter "${name}" has no default value, and the local runner is given none.`);
      }
      return this.resolve(parameter.Default, place);
    }
    return this.identity(name, place).ref;
  }

  private attribute(logicalId: string, attribute: string, place: string): string {
    const { attributes } = this.identity(logicalId, place);
    const value = attributes[attribute];
    if (value === undefined) {
      throw new Error(`${place}: the local runner does not know the attribute "${attribute}" of "${logicalId}". ` +
        `It knows: ${Object.keys(attributes).join(', ')}.`);
    }
    return value;
  }

  private identity(logicalId: string, place: string): ResourceIdentity {
    const identity = this.identities.get(logicalId);
    if (identity) {
      return identity;
    }
    const type = this.typeOf(logicalId);
    throw new Error(type === undefined
      ? `${place} refers to "${logicalId}", which the template does not have.`
      : `${place} refers to "${logicalId}", an ${type}, which the local runner does not provide. ` +
        'It provides SQS queues, SNS topics, Kinesis streams, DynamoDB tables, and the Lambda functions that they and rules of EventBridge invoke.');
  }

  private substitute(argument: TemplateValue | undefined, place: string): string {
    const [pattern, variables] = isList(argument) ? argument : [argument];
    if (typeof pattern !== 'string') {
      throw new Error(`${place}: Fn::Sub takes a text, not ${JSON.stringify(argument)}.`);
    }
    return pattern.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
      if (name.startsWith('!')) {
        return `\${${name.slice(1)}}`;
      }
      if (isRecord(variables) && Object.hasOwn(variables, name)) {
        return text(this.resolve(variables[name], place), place);
      }
      const [logicalId, attribute] = getAttParts(name) ?? [];
      const value = logicalId !== undefined && attribute !== undefined
        ? this.attribute(logicalId, attribute, place)
        : this.reference(name, place);
      return text(value, `${place}: ${whole}`);
    });
  }

  private list(name: string, argument: TemplateValue | undefined, place: string): readonly TemplateValue[] {
    const value = this.resolve(argument, place);
    if (!isList(value)) {
      throw new Error(`${place}: ${name} takes a list, not ${JSON.stringify(argument)}.`);
    }
    return value;
  }

  private resource(logicalId: string): TemplateResource | undefined {
    const resources = this.stack.template.Resources ?? {};
    return Object.hasOwn(resources, logicalId) ? resources[logicalId] : undefined;
  }
}

/** Name and argument of the intrinsic function that a value is a call of. */
function intrinsic(value: TemplateValue | undefined): readonly [string, TemplateValue | undefined] | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const [name, ...others] = Object.keys(value);
  return name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::')) ? [name, value[name]] : undefined;
}

/** `['Queue', 'Arn']` or `'Queue.Arn'`. */
function getAttParts(argument: TemplateValue | undefined): readonly [string, string] | undefined {
  const [logicalId, attribute] = typeof argument === 'string' ? argument.split(/\.(.*)/s) : isList(argument) ? argument : [];
  return typeof logicalId === 'string' && typeof attribute === 'string' ? [logicalId, attribute] : undefined;
}

function text(value: TemplateValue | undefined, place: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  throw new Error(`${place}: expected a text, not ${JSON.stringify(value)}.`);
}
