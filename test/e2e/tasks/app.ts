import * as path from 'node:path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { baking } from './baking.machine';
import { grantBatches } from '../emulator-only';
import { FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';

const stack = new Stack(new App(), 'Tasks');
const vpc = new ec2.Vpc(stack, 'Network', {
  maxAzs: 1,
  natGateways: 0,
  subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }],
  restrictDefaultSecurityGroup: false,
});
const cluster = new ecs.Cluster(stack, 'Kitchen', { vpc });
const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Oven');
taskDefinition.addContainer('oven', {
  image: ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox:stable'),
});
const workflow = new FsmWorkflow(stack, 'Baking', {
  machines: [MachineDefinition.fromObject(baking)],
  actions: path.join(__dirname, 'baking.actions.ts'),
  timeout: Duration.seconds(10),
  removalPolicy: RemovalPolicy.DESTROY,
});
workflow.addEcsTask('bake', {
  cluster,
  taskDefinition,
  onSuccess: 'done',
  onFailure: 'burnt',
  assignPublicIp: true,
  context: ['exitCode', 'recipe'],
});
grantBatches(workflow, [workflow.function.role]);
new CfnOutput(stack, 'ClientConfiguration', { value: workflow.clientConfiguration });
new CfnOutput(stack, 'Role', { value: workflow.function.role?.roleName ?? '' });
new CfnOutput(stack, 'Cluster', { value: cluster.clusterArn });
