/** An event on an event bus. */
export type BusEvent = { readonly [name: string]: unknown };

/** Creates the input of a target from a matched event. */
export type TargetInput = (event: BusEvent) => unknown;

/** An input transformer of a target. */
export interface InputTransformer {
  /** The JSON path of each variable. */
  readonly paths: Readonly<Record<string, string>>;
  /** JSON with placeholders for variables, such as `<name>`. */
  readonly template: string;
  readonly ruleArn: string;
}

/** Passes the whole event. */
export const wholeEvent: TargetInput = (event) => event;

/** Passes a constant. */
export function constantInput(input: unknown): TargetInput {
  return () => input;
}

/**
 * Passes the part of the event at a JSON path.
 *
 * @throws Error if the local runner does not support the path
 */
export function inputPath(path: string): TargetInput {
  return reader(path);
}

/**
 * Fills in the template of an input transformer. A placeholder is replaced by its value as JSON, or, within a JSON string, by its value as
 * text. A missing value becomes `null`, or an empty text within a string.
 *
 * @throws Error if the local runner does not support a path, or the template has an undefined variable
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
      throw new Error(`Undefined variable <${part.variable}> in the input template ${template}.`);
    }
  }
  return (event) =>
    JSON.parse(
      parts
        .map(({ text, variable, quoted }) => {
          const value = variable === undefined ? undefined : variables.get(variable)?.(event);
          if (variable === undefined) {
            return text;
          }
          return quoted ? withinText(value) : JSON.stringify(value ?? null);
        })
        .join(''),
    );
}

interface Part {
  readonly text: string;
  readonly variable?: string;
  /** Whether the part is within a JSON string of the template. */
  readonly quoted: boolean;
}

/** Splits a template into JSON strings and the text between them, and both into placeholders and literal text. */
function partsOf(template: string): Part[] {
  return template.split(/("(?:[^"\\]|\\.)*")/).flatMap((piece, index) => {
    const quoted = index % 2 === 1;
    return piece
      .split(/(<[\w.-]+>)/)
      .map((text, position): Part =>
        position % 2 === 1 ? { text, variable: text.slice(1, -1), quoted } : { text, quoted },
      );
  });
}

function withinText(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  return JSON.stringify(text).slice(1, -1);
}

/** Reads the value at a path such as `$.detail.items[0].name`. */
function reader(path: string): TargetInput {
  if (!/^\$(\.[\w-]+|\[\d+\])*$/.test(path)) {
    throw new Error(`Unsupported path ${path}: the local runner supports paths such as $.detail.items[0].name.`);
  }
  const names = path.match(/[\w-]+/g) ?? [];
  return (event) =>
    names.reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as BusEvent)[name]
          : undefined,
      event,
    );
}
