import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readStack } from '../../../../lambda/local/template/assembly';
import { Template } from '../../../../lambda/local/template/template';
import { assemblyOf, temporaryDirectory } from '../../../support/local';

/** Resolves a value in a template with a queue `Orders`. */
function resolve(value: unknown, extra: object = {}): unknown {
  const template = new Template(
    readStack(
      assemblyOf({
        Resources: {
          Orders: { Type: 'AWS::SQS::Queue' },
          Topic: { Type: 'AWS::SNS::Topic' },
          Subject: { Type: 'Test::Subject', Properties: { Value: value } },
        },
        ...extra,
      }),
    ),
  );
  template.provide('Orders', { ref: 'http://orders', attributes: { Arn: 'arn:orders', 'Nested.Name': 'nested' } });
  return template.properties('Subject').Value;
}

test.each([
  ['plain JSON', { a: [1, 'x', true, null] }, { a: [1, 'x', true, null] }],
  ['Ref to a resource', { Ref: 'Orders' }, 'http://orders'],
  [
    'Ref to pseudo parameters',
    {
      'Fn::Join': [
        '/',
        [
          { Ref: 'AWS::Region' },
          { Ref: 'AWS::AccountId' },
          { Ref: 'AWS::Partition' },
          { Ref: 'AWS::StackName' },
          { Ref: 'AWS::URLSuffix' },
        ],
      ],
    },
    'us-east-1/000000000000/aws/Shop/amazonaws.com',
  ],
  ['AWS::NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
  ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Orders', 'Arn'] }, 'arn:orders'],
  ['Fn::GetAtt as text', { 'Fn::GetAtt': 'Orders.Nested.Name' }, 'nested'],
  [
    'Fn::Join',
    { 'Fn::Join': ['', ['{"url":"', { Ref: 'Orders' }, '","n":', 1, '}']] },
    '{"url":"http://orders","n":1}',
  ],
  [
    'Fn::Select and Fn::Split',
    { 'Fn::Select': [1, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Orders', 'Arn'] }] }] },
    'orders',
  ],
  [
    'Fn::Sub',
    { 'Fn::Sub': '${Orders.Arn} at ${Orders} in ${AWS::Region}, not ${!Orders}' },
    'arn:orders at http://orders in us-east-1, not ${Orders}',
  ],
  [
    'Fn::Sub with variables',
    { 'Fn::Sub': ['${What} and ${Orders.Arn}', { What: { Ref: 'Orders' } }] },
    'http://orders and arn:orders',
  ],
  ['an object that only looks like a call', { Ref: 'Orders', other: 1 }, { Ref: 'Orders', other: 1 }],
])('%s', (_, value, expected) => {
  expect(resolve(value)).toEqual(expected);
});

test('a parameter has its default value', () => {
  expect(resolve({ Ref: 'Colour' }, { Parameters: { Colour: { Type: 'String', Default: 'blue' } } })).toBe('blue');
});

test.each([
  [
    'an unsupported resource',
    { Ref: 'Topic' },
    'Shop/Subject.Value refers to "Topic" of type AWS::SNS::Topic, which the local runner does not support',
  ],
  [
    'a missing resource',
    { a: { 'Fn::GetAtt': ['Nothing', 'Arn'] } },
    'Shop/Subject.Value.a refers to "Nothing", which the template does not contain',
  ],
  [
    'an unsupported attribute',
    { 'Fn::GetAtt': ['Orders', 'Colour'] },
    'does not support the attribute "Colour" of "Orders". It supports Arn, Nested.Name',
  ],
  ['an unsupported intrinsic function', { 'Fn::ImportValue': 'x' }, 'does not support Fn::ImportValue'],
  ['an invalid argument', { 'Fn::Join': 'x' }, 'invalid Fn::Join "x", expected a list'],
])('%s is an error with its location', (_, value, message) => {
  expect(() => resolve(value)).toThrow(message);
});

test('a parameter without a default value is an error', () => {
  expect(() => resolve({ Ref: 'Colour' }, { Parameters: { Colour: { Type: 'String' } } })).toThrow(
    'parameter "Colour" has no default value',
  );
});

test('properties that are not read may refer to anything', () => {
  const template = new Template(
    readStack(
      assemblyOf({ Resources: { Subject: { Type: 'T', Properties: { Role: { Ref: 'Missing' }, Name: 'x' } } } }),
    ),
  );
  expect(template.properties('Subject', ['Name'])).toEqual({ Name: 'x' });
});

describe('readStack', () => {
  test('rejects a folder that is not a cloud assembly', () => {
    const directory = temporaryDirectory();
    expect(() => readStack(directory)).toThrow(
      `${directory} is not a cloud assembly: it has no manifest.json. Run "cdk synth"`,
    );
  });

  test('rejects an unknown stack, and lists the existing ones', () => {
    expect(() => readStack(assemblyOf({}), 'Other')).toThrow('Unknown stack "Other"');
    expect(() => readStack(assemblyOf({}), 'Other')).toThrow('contains "Shop"');
  });

  test('finds assets by their keys', () => {
    const assembly = assemblyOf({});
    expect(readStack(assembly, 'Shop').assets.get('code.zip')).toBe(join(assembly, 'asset.code'));
  });

  test('names a missing template in the error', () => {
    const assembly = assemblyOf({});
    rmSync(join(assembly, 'Shop.template.json'));
    expect(() => readStack(assembly)).toThrow(/Cannot read .*Shop.template.json/);
  });
});
