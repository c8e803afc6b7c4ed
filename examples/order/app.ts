import { App } from 'aws-cdk-lib';
import { addOrderStacks } from './order-stack';

const app = new App();
addOrderStacks(app);
app.synth();
