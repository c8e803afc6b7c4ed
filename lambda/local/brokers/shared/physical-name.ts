import type { Template } from '../../template/template';
import type { TemplateValue } from '../../template/template-value';

/**
 * Returns the name in the template, or one made of the stack name and the logical id, as CloudFormation does. It has at most 80 characters,
 * the limit of queue names, which is the lowest.
 */
export function physicalName(
  template: Template,
  logicalId: string,
  given: TemplateValue | undefined,
  suffix = '',
): string {
  return typeof given === 'string' ? given : `${template.stackName}-${logicalId}`.slice(-80 + suffix.length) + suffix;
}
