// The CDK validates each template against the CloudFormation schemas, which takes seconds. Only templates.test.ts enables the validation.
process.env.CDK_VALIDATION ??= 'false';
