/** An event as EventBridge has it. */
export type BusEvent = { readonly [name: string]: unknown };

/** Makes what a target gets out of the event that a rule has matched. */
export type TargetInput = (event: BusEvent) => unknown;

/** How an input is made of values of the event. */
export interface InputTransformer {
  /** A JSON path for each variable. */
  readonly paths: Readonly<Record<string, string>>;
  /** JSON with `<variable>` where the value of a variable belongs. */
  readonly template: string;
  readonly ruleArn: string;
}

export const wholeEvent: TargetInput = (event) => event;

export function constantInput(input: unknown): TargetInput {
  return () => input;
}

/** @throws Error when the path is none that the runner understands */
export function inputPath(path: string): TargetInput {
  return reader(path);
}

/**
 * Fills the template in. A variable that stands for itself becomes the value as JSON; within a text, the value becomes a part of that text.
 * A value that the event does not have is `null`, or nothing within a text.
 *
 * @throws Error when a path is none that the runner understands, or the template has a variable that nobody defines
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
export function inputTransformer({ paths, template, ruleArn }: InputTransformer): TargetInput {
  const variables = new Map<string, TargetInput>(Object.entries(paths).map(([name, path]) => [name, reader(path)]));
  variables.set('aws.events.rule-arn', () => ruleArn);
  variables.set('aws.events.rule-name', () => ruleArn.slice(ruleArn.lastIndexOf('/') + 1));
  variables.set('aws.events.event.ingestion-time', () => new Date().toISOString());
  variables.set('aws.events.event', ({ detail: _, ...event }) => event);
  variables.set('aws.events.event.json', (event) => event);
  const parts = partsOf(template);
  for (const part of parts) {
    if (part.variable !== undefined && !variables.has(part.variable)) {
      throw new Error(`The input template ${template} has <${part.variable}>, but there is no such variable.`);
    }
  }
  return (event) => JSON.parse(parts.map(({ text, variable, quoted }) => {
    const value = variable === undefined ? undefined : variables.get(variable)?.(event);
    if (variable === undefined) {
      return text;
    }
    return quoted ? withinText(value) : JSON.stringify(value ?? null);
  }).join(''));
}

interface Part {
  readonly text: string;
  readonly variable?: string;
  /** It stands within a text of the template. */
  readonly quoted: boolean;
}

/** Takes a template apart: texts of JSON as a whole, and in them and between them the variables. */
function partsOf(template: string): Part[] {
  return template.split(/("(?:[^"\\]|\\.)*")/).flatMap((piece, index) => {
    const quoted = index % 2 === 1;
    return piece.split(/(<[\w.-]+>)/).map((text, position): Part =>
      position % 2 === 1 ? { text, variable: text.slice(1, -1), quoted } : { text, quoted });
  });
}

function withinText(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  return JSON.stringify(text).slice(1, -1);
}

/** `$.detail.items[0].name` */
function reader(path: string): TargetInput {
  if (!/^\$(\.[\w-]+|\[\d+\])*$/.test(path)) {
    throw new Error(`The local runner understands paths such as $.detail.items[0].name, not ${path}.`);
  }
  const names = path.match(/[\w-]+/g) ?? [];
  return (event) => names.reduce<unknown>((value, name) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as BusEvent)[name] : undefined, event);
}
