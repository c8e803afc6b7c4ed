import type { SynthesizedStack, TemplateResource } from './assembly';
import { isList, isRecord, type TemplateRecord, type TemplateValue } from './template-value';

/** The account and the Region of all local resources. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';

/** The return values of `Ref` and `Fn::GetAtt` for a resource. */
export interface ResourceIdentity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * A template, and the resources registered so far, with which it resolves references.
 *
 * Most of a stack, such as roles, alarms and log groups, is never read. A reference to an unsupported resource is an error only in a value
 * that is read.
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

  /** Returns the logical ids of all resources of these types, in the order of the template. */
  public ofType(...types: readonly string[]): string[] {
    return Object.entries(this.stack.template.Resources ?? {}).flatMap(([id, { Type }]) =>
      types.includes(Type) ? [id] : [],
    );
  }

  /** Registers a resource, so that references to it resolve. */
  public provide(logicalId: string, identity: ResourceIdentity): void {
    this.identities.set(logicalId, identity);
  }

  /** Returns the unresolved properties of a resource. */
  public raw(logicalId: string): TemplateRecord {
    return this.resource(logicalId)?.Properties ?? {};
  }

  /**
   * Returns the resolved properties of a resource.
   *
   * @param names the properties to resolve; by default, all
   * @throws Error if one of them refers to a resource that the local runner does not support
   */
  public properties(logicalId: string, names?: readonly string[]): TemplateRecord {
    const wanted = Object.entries(this.raw(logicalId)).filter(([name]) => !names || names.includes(name));
    return this.resolveRecord(Object.fromEntries(wanted), `${this.stack.name}/${logicalId}`);
  }

  /** Returns the path of an asset; `undefined` if the cloud assembly does not contain it. */
  public assetOf(objectKey: TemplateValue | undefined): string | undefined {
    return typeof objectKey === 'string' ? this.stack.assets.get(objectKey) : undefined;
  }

  /** Returns the logical id that a `Ref` or `Fn::GetAtt` refers to; `undefined` for any other value. */
  public referredBy(value: TemplateValue | undefined): string | undefined {
    const [name, argument] = intrinsic(value) ?? [];
    if (name === 'Ref') {
      return typeof argument === 'string' ? argument : undefined;
    }
    return name === 'Fn::GetAtt' ? getAttParts(argument)?.[0] : undefined;
  }

  /** Returns the type of a resource; `undefined` if the template does not contain it. */
  public typeOf(logicalId: string): string | undefined {
    return this.resource(logicalId)?.Type;
  }

  /**
   * Resolves all references in a value. Returns `undefined` for `AWS::NoValue`.
   *
   * @param place the location of the value, for errors
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
          throw new Error(
            `${place}: invalid Fn::GetAtt ${JSON.stringify(argument)}, expected a logical id and an attribute.`,
          );
        }
        return this.attribute(logicalId, attribute, place);
      }
      case 'Fn::Join': {
        const [separator, parts] = this.list(name, argument, place);
        return this.list(name, parts, place)
          .map((part) => text(part, place))
          .join(text(separator, place));
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
        throw new Error(
          `${place}: the local runner does not support ${name}. It supports Ref, Fn::GetAtt, Fn::Join, Fn::Split, Fn::Select and Fn::Sub.`,
        );
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
        throw new Error(`${place}: parameter "${name}" has no default value. The local runner requires one.`);
      }
      return this.resolve(parameter.Default, place);
    }
    return this.identity(name, place).ref;
  }

  private attribute(logicalId: string, attribute: string, place: string): string {
    const { attributes } = this.identity(logicalId, place);
    const value = attributes[attribute];
    if (value === undefined) {
      throw new Error(
        `${place}: the local runner does not support the attribute "${attribute}" of "${logicalId}". ` +
          `It supports ${Object.keys(attributes).join(', ')}.`,
      );
    }
    return value;
  }

  private identity(logicalId: string, place: string): ResourceIdentity {
    const identity = this.identities.get(logicalId);
    if (identity) {
      return identity;
    }
    const type = this.typeOf(logicalId);
    throw new Error(
      type === undefined
        ? `${place} refers to "${logicalId}", which the template does not contain.`
        : `${place} refers to "${logicalId}" of type ${type}, which the local runner does not support. ` +
            'It supports SQS queues, SNS topics, Kinesis streams, DynamoDB tables, and the Lambda functions that they or EventBridge rules invoke.',
    );
  }

  private substitute(argument: TemplateValue | undefined, place: string): string {
    const [pattern, variables] = isList(argument) ? argument : [argument];
    if (typeof pattern !== 'string') {
      throw new Error(`${place}: invalid Fn::Sub ${JSON.stringify(argument)}, expected a string.`);
    }
    return pattern.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
      if (name.startsWith('!')) {
        return `\${${name.slice(1)}}`;
      }
      if (isRecord(variables) && Object.hasOwn(variables, name)) {
        return text(this.resolve(variables[name], place), place);
      }
      const [logicalId, attribute] = getAttParts(name) ?? [];
      const value =
        logicalId !== undefined && attribute !== undefined
          ? this.attribute(logicalId, attribute, place)
          : this.reference(name, place);
      return text(value, `${place}: ${whole}`);
    });
  }

  private list(name: string, argument: TemplateValue | undefined, place: string): readonly TemplateValue[] {
    const value = this.resolve(argument, place);
    if (!isList(value)) {
      throw new Error(`${place}: invalid ${name} ${JSON.stringify(argument)}, expected a list.`);
    }
    return value;
  }

  private resource(logicalId: string): TemplateResource | undefined {
    const resources = this.stack.template.Resources ?? {};
    return Object.hasOwn(resources, logicalId) ? resources[logicalId] : undefined;
  }
}

/** Returns the name and the argument of an intrinsic function; `undefined` for any other value. */
function intrinsic(value: TemplateValue | undefined): readonly [string, TemplateValue | undefined] | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const [name, ...others] = Object.keys(value);
  return name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))
    ? [name, value[name]]
    : undefined;
}

/** Returns the logical id and the attribute of `['Queue', 'Arn']` or `'Queue.Arn'`. */
function getAttParts(argument: TemplateValue | undefined): readonly [string, string] | undefined {
  const [logicalId, attribute] =
    typeof argument === 'string' ? argument.split(/\.(.*)/s) : isList(argument) ? argument : [];
  return typeof logicalId === 'string' && typeof attribute === 'string' ? [logicalId, attribute] : undefined;
}

function text(value: TemplateValue | undefined, place: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  throw new Error(`${place}: expected a string, not ${JSON.stringify(value)}.`);
}
