import type { Template } from '../template';
import type { TemplateValue } from '../template-value';

/** The name that the template gives, or one that is made of the stack's name, as CloudFormation does: queue names are the shortest. */
export function physicalName(template: Template, logicalId: string, given: TemplateValue | undefined, suffix = ''): string {
  return typeof given === 'string' ? given : `${template.stackName}-${logicalId}`.slice(-80 + suffix.length) + suffix;
}
