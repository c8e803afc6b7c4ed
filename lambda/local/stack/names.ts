import { physicalName } from '../brokers/shared/physical-name';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Template } from '../template/template';

/**
 * Registers resources that need not exist locally, because functions only use their names. For example, a task of Amazon ECS runs as a local
 * process, regardless of its cluster and its network.
 */
export function provideNames(template: Template): void {
  const arn = (service: string, resource: string) => `arn:aws:${service}:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${resource}`;
  for (const logicalId of template.ofType('AWS::ECS::Cluster')) {
    const name = physicalName(template, logicalId, template.properties(logicalId, ['ClusterName']).ClusterName);
    template.provide(logicalId, { ref: name, attributes: { Arn: arn('ecs', `cluster/${name}`) } });
  }
  for (const logicalId of template.ofType('AWS::ECS::TaskDefinition')) {
    const family = physicalName(template, logicalId, template.properties(logicalId, ['Family']).Family);
    const taskDefinitionArn = arn('ecs', `task-definition/${family}:1`);
    template.provide(logicalId, { ref: taskDefinitionArn, attributes: { TaskDefinitionArn: taskDefinitionArn } });
  }
  for (const logicalId of template.ofType('AWS::EC2::VPC')) {
    template.provide(logicalId, { ref: logicalId, attributes: { VpcId: logicalId } });
  }
  for (const logicalId of template.ofType('AWS::EC2::Subnet')) {
    template.provide(logicalId, { ref: logicalId, attributes: { SubnetId: logicalId } });
  }
  for (const logicalId of template.ofType('AWS::EC2::SecurityGroup')) {
    template.provide(logicalId, { ref: logicalId, attributes: { GroupId: logicalId } });
  }
  for (const logicalId of template.ofType('AWS::Events::EventBus')) {
    const name = physicalName(template, logicalId, template.properties(logicalId, ['Name']).Name);
    template.provide(logicalId, { ref: name, attributes: { Arn: arn('events', `event-bus/${name}`), Name: name } });
  }
}
