import { defineActions } from 'cdk-lambda-fsm/runtime';

export default defineActions({
  reserve: async () => 'reserved',
  charge: async () => 'charged',
});
