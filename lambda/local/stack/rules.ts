import { parseFilter } from '../brokers/shared/filter';
import { busNameOf, type EventRule } from '../eventbridge/event-bus';
import { constantInput, inputPath, inputTransformer, wholeEvent, type TargetInput } from '../eventbridge/event-input';
import { intervalOf, type Schedule } from '../eventbridge/schedule';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../template/template';
import { isRecord, listOf, memberOf, type TemplateValue } from '../template/template-value';

/** A rule of Amazon EventBridge, with one of the functions that it invokes. */
export interface RuleTarget {
  readonly ruleId: string;
  readonly functionId: string;
  readonly target: TemplateValue;
}

/** Returns the enabled rules, once for each function that they invoke. */
export function ruleTargets(template: Template): RuleTarget[] {
  return template
    .ofType('AWS::Events::Rule')
    .filter((ruleId) => template.raw(ruleId).State !== 'DISABLED')
    .flatMap((ruleId) =>
      listOf(template.raw(ruleId).Targets).flatMap((target) => {
        const functionId = template.referredBy(memberOf(target, 'Arn'));
        return functionId !== undefined && template.typeOf(functionId) === 'AWS::Lambda::Function'
          ? [{ ruleId, functionId, target }]
          : [];
      }),
    );
}

/** Reads the schedule of a rule; `undefined` if it has none. */
export function readSchedule(template: Template, { ruleId, target }: RuleTarget): Schedule | undefined {
  const { ScheduleExpression } = template.properties(ruleId, ['ScheduleExpression']);
  if (ScheduleExpression === undefined) {
    return undefined;
  }
  if (memberOf(target, 'InputPath') !== undefined || memberOf(target, 'InputTransformer') !== undefined) {
    throw new Error(
      `Rule "${ruleId}" derives its input from the scheduled event. For schedules, the local runner supports only constant inputs.`,
    );
  }
  const input = template.resolve(memberOf(target, 'Input'), `${ruleId}.Targets`);
  return {
    ruleArn: ruleArn(template, ruleId),
    intervalMs: intervalOf(String(ScheduleExpression)),
    input: input === undefined ? undefined : (JSON.parse(String(input)) as unknown),
  };
}

/** Reads the event pattern and the input of a rule; `undefined` if it has no event pattern. */
export function readEventRule(template: Template, { ruleId, target }: RuleTarget): EventRule | undefined {
  const { EventPattern, EventBusName } = template.properties(ruleId, ['EventPattern', 'EventBusName']);
  if (EventPattern === undefined) {
    return undefined;
  }
  return {
    ruleArn: ruleArn(template, ruleId),
    busName: busNameOf(EventBusName === undefined ? undefined : String(EventBusName)),
    matches: parseFilter([JSON.stringify(EventPattern)]),
    input: readInput(template, ruleId, target),
  };
}

function readInput(template: Template, ruleId: string, target: TemplateValue): TargetInput {
  const place = `${ruleId}.Targets`;
  const input = template.resolve(memberOf(target, 'Input'), place);
  const path = template.resolve(memberOf(target, 'InputPath'), place);
  const transformer = template.resolve(memberOf(target, 'InputTransformer'), place);
  if (input !== undefined) {
    return constantInput(JSON.parse(String(input)));
  }
  if (path !== undefined) {
    return inputPath(String(path));
  }
  if (transformer === undefined) {
    return wholeEvent;
  }
  const paths = memberOf(transformer, 'InputPathsMap');
  return inputTransformer({
    paths: Object.fromEntries(Object.entries(isRecord(paths) ? paths : {}).map(([name, each]) => [name, String(each)])),
    template: String(memberOf(transformer, 'InputTemplate')),
    ruleArn: ruleArn(template, ruleId),
  });
}

function ruleArn(template: Template, ruleId: string): string {
  return `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:rule/${template.stackName}-${ruleId}`;
}
