import type { BrokerChecks } from './broker';
import type { BrokerName } from '../contract/brokers';
import { DYNAMODB_CHECKS } from './dynamodb/configuration';
import { KINESIS_CHECKS } from './kinesis/configuration';
import { SNS_CHECKS } from './sns/configuration';
import { SQS_CHECKS } from './sqs/configuration';

/** The checks of the configurations of all brokers. */
export const BROKER_CHECKS: { readonly [B in BrokerName]: BrokerChecks<B> } = {
  sqs: SQS_CHECKS,
  kinesis: KINESIS_CHECKS,
  sns: SNS_CHECKS,
  dynamodb: DYNAMODB_CHECKS,
};
